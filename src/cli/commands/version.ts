// holdfast version

import { version } from '#lib/version.ts';
import { defineCommand } from '../command.ts';

export const command = defineCommand({
  description: 'Prints the version of Holdfast, and of the Node it runs on.',
  args: [],
  options: {},
  examples: [['version', 'holdfast 0.1.0 (Node v24.21.0, linux x64)']],
  onRepository: false,
  statuses: [],
  async run({ output }) {
    const { version: node, platform, arch } = process;
    await output.result(
      { message_type: 'version', version, node, platform, arch },
      `holdfast ${version} (Node ${node}, ${platform} ${arch})`,
    );
    return 0;
  },
});
