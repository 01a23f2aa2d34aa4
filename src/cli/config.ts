// holdfast config: the configuration file itself.
import { loadConfig } from '#config/config.ts';
import { jsonSchema } from '#config/file-schema.ts';
import { showConfig } from '#config/show.ts';
import { type Call, defineCommand } from './command.ts';
import { plural } from './output-format.ts';

export const command = defineCommand({
  description: `validate: reads the configuration file and names every mistake in it, each with its line.

show: prints it as it is understood, with variables replaced and defaults filled in; secrets are dots.

schema: prints its JSON Schema, from which editors complete and check it.`,
  args: [{ usage: '<action>', text: 'what to do', choices: ['validate', 'show', 'schema'] }],
  options: {},
  examples: [
    ['config validate', 'the file that is found here, in ~/.config/holdfast or in /etc/holdfast'],
    ['config show --config /etc/holdfast/holdfast.yaml', 'another one'],
    ['config schema > holdfast.schema.json', '# yaml-language-server: $schema=holdfast.schema.json'],
  ],
  onRepository: false,
  statuses: [],
  async run(call) {
    const [action] = call.args;
    if (action === 'schema') await printSchema(call);
    else if (action === 'show') await show(call);
    else await validate(call);
    return 0;
  },
});

const validate = async ({ global, env, output }: Call): Promise<void> => {
  const { file, repositories, sources, jobs, warnings } = await loadConfig(global.config, env);
  for (const warning of warnings) output.warn(warning);
  const counts = { repositories: repositories.size, sources: sources.size, jobs: jobs.size };
  output.say(
    { message_type: 'summary', file, ...counts },
    `${file} is valid: ${plural(counts.repositories, 'repository', 'repositories')}, ${plural(counts.sources, 'source')}, ${plural(counts.jobs, 'job')}`,
  );
};

const show = async ({ global, env, output }: Call): Promise<void> => {
  const config = await loadConfig(global.config, env);
  for (const warning of config.warnings) output.warn(warning);
  const yaml = showConfig(config).trimEnd();
  await output.result(
    { message_type: 'configuration', file: config.file, yaml },
    `# ${config.file}\n${yaml}`,
  );
};

/** With --json too, the schema is one document and no stream of messages. */
const printSchema = async ({ output }: Call): Promise<void> => {
  await output.bytes(Buffer.from(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`));
};
