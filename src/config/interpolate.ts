// `${NAME}` in a text of the file: replaced by the environment's value, which is data and never read as YAML.

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Interpolated {
  readonly text: string;
  /** What could not be replaced, each as it is written in the text. */
  readonly problems: readonly { readonly written: string; readonly message: string }[];
}

/** `${NAME}`, `${NAME:-default}` (also when NAME is empty), and `$$` for a dollar; any other dollar stands for itself. */
export const interpolate = (text: string, env: Environment): Interpolated => {
  const problems: { written: string; message: string }[] = [];
  const replaced = text.replaceAll(/\$\$|\$\{([^}]*)\}?/g, (written, inner: string | undefined) => {
    if (written === '$$') return '$';
    const [, name, fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inner ?? '') ?? [];
    if (name === undefined || !written.endsWith('}')) {
      problems.push({ written, message: `here begins no variable: write \${NAME}, or $$ for a dollar` });
      return written;
    }
    const value = env[name];
    if (fallback !== undefined) return value || fallback;
    if (value === undefined)
      problems.push({ written, message: `the environment variable ${name} is not set` });
    return value ?? '';
  });
  return { text: replaced, problems };
};
