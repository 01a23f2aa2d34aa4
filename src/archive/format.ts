// What kind of file an archive is; its name says so.

/** How bytes are made fewer. */
export type Compression = 'none' | 'gzip' | 'zstd';

export interface Format {
  /** 'tar': everything of a source as files; else the engine's own dump of one database, by the ending that its client's users know ('sql'). */
  readonly container: 'tar' | { readonly plain: string };
  readonly compression: Compression;
  /** To a public key, in the age format. */
  readonly encrypted: boolean;
}

const endings: readonly (readonly [pattern: RegExp, compression: Compression])[] = [
  [/\.gz$/i, 'gzip'],
  [/\.zst$/i, 'zstd'],
  [/$/, 'none'],
];

/** The format that a name's ending stands for; undefined when it stands for none. */
export const formatOf = (name: string): Format | undefined => {
  const encrypted = /\.age$/i.test(name);
  const long = name
    .replace(/\.age$/i, '')
    .replace(/\.tgz$/i, '.tar.gz')
    .replace(/\.tzst$/i, '.tar.zst');
  for (const [pattern, compression] of endings) {
    if (!pattern.test(long)) continue;
    const ending = /\.([A-Za-z][A-Za-z0-9]*)$/.exec(long.replace(pattern, ''))?.[1]?.toLowerCase();
    if (ending === 'tar') return { container: 'tar', compression, encrypted };
    if (ending === undefined || (compression === 'none' && !plainEndings.includes(ending))) return undefined;
    return { container: { plain: ending }, compression, encrypted };
  }
  return undefined;
};

/** Dumps that engines' own clients load; without compression, only these say that a name has an ending at all. */
const plainEndings: readonly string[] = ['sql', 'archive'];

/** The part of a file's name that the template made: one without an ending got one by what the source is, and one for encryption. */
export const withoutAddedEnding = (name: string, template: string): string => {
  const plain = /\.age$/i.test(template) ? name : name.replace(/\.age$/, '');
  return formatOf(template) ? plain : plain.replace(/\.(tar|[a-z]+)\.gz$/, '');
};
