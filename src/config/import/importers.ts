// Whose configuration is understood: a file here and a line below.
import { formatYaml } from '../document.ts';
import { importDataverse } from './dataverse.ts';
import type { Imported, Importer } from './imported.ts';
import { importMedusa } from './medusa.ts';

export const importers: Readonly<Record<string, Importer>> = {
  dataverse: importDataverse,
  medusa: importMedusa,
};

/** The configuration file, with what should be known of it as comments. */
export const formatImported = ({ values, remarks }: Imported, from: string): string =>
  [`# Made from ${from}.`, ...remarks.map((remark) => `# ${remark}`), formatYaml(values)].join('\n');
