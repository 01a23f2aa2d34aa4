// holdfast config: the configuration file itself.
import { readFile } from 'node:fs/promises';
import { jsonSchema } from '#config/file-schema.ts';
import { formatImported, importers } from '#config/import/importers.ts';
import { showConfig } from '#config/show.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { plural } from '#lib/format.ts';
import { type Call, defineCommand } from '../command.ts';
import { readConfig } from '../read-config.ts';

export const command = defineCommand({
  description: `validate: reads the configuration file and names every mistake in it, each with its line.

show: prints it as it is understood, with variables replaced and defaults filled in; secrets are dots.

schema: prints its JSON Schema, from which editors complete and check it.

import: makes one of the configuration of another system (${Object.keys(importers).join(', ')}) and prints it.`,
  args: [
    { usage: '<action>', text: 'what to do', choices: ['validate', 'show', 'schema', 'import'] },
    { usage: '[system]', text: 'import: whose configuration it is', choices: Object.keys(importers) },
    { usage: '[file]', text: 'import: the file' },
  ],
  options: {},
  examples: [
    ['config validate', 'the file that is found here, in ~/.config/holdfast or in /etc/holdfast'],
    ['config show --config /etc/holdfast/holdfast.yaml', 'another one'],
    ['config import medusa config.ini > holdfast.yaml', 'from the config.ini of Medusa System Agent'],
    ['config import dataverse config.ini > holdfast.yaml', 'from that of the backup scripts of Dataverse'],
    ['config schema > holdfast.schema.json', '# yaml-language-server: $schema=holdfast.schema.json'],
  ],
  onRepository: false,
  statuses: [],
  async run(call) {
    const [action, system, file] = call.args;
    if (action === 'import') return await importConfig(call, system, file);
    if (system !== undefined) throw new HoldfastError('USAGE', `${action} takes no "${system}"`);
    if (action === 'schema') await printSchema(call);
    else if (action === 'show') await show(call);
    else await validate(call);
    return 0;
  },
});

const importConfig = async ({ output }: Call, system = '', file = ''): Promise<number> => {
  const importer = importers[system];
  if (importer === undefined || file === '')
    throw new HoldfastError('USAGE', 'import needs to know whose configuration it is, and its file', {
      hint: `holdfast config import ${Object.keys(importers)[0]} config.ini`,
    });
  const imported = importer(await readText(file));
  const yaml = formatImported(imported, file);
  // What is printed is a configuration file as it stands, so it is nothing else with --json.
  await output.bytes(Buffer.from(yaml));
  for (const remark of imported.remarks) output.warn(remark);
  return 0;
};

const readText = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new HoldfastError('USAGE', `cannot read ${file}: ${messageOf(cause)}`, { cause });
  }
};

const validate = async (call: Call): Promise<void> => {
  const { file, repositories, sources, jobs } = await readConfig(call);
  const counts = { repositories: repositories.size, sources: sources.size, jobs: jobs.size };
  call.output.say(
    { message_type: 'summary', file, ...counts },
    `${file} is valid: ${plural(counts.repositories, 'repository', 'repositories')}, ${plural(counts.sources, 'source')}, ${plural(counts.jobs, 'job')}`,
  );
};

const show = async (call: Call): Promise<void> => {
  const config = await readConfig(call);
  const yaml = showConfig(config).trimEnd();
  await call.output.result(
    { message_type: 'configuration', file: config.file, yaml },
    `# ${config.file}\n${yaml}`,
  );
};

/** With --json too, the schema is one document and no stream of messages. */
const printSchema = async ({ output }: Call): Promise<void> => {
  await output.bytes(Buffer.from(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`));
};
