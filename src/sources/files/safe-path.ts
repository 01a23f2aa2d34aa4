// Names that a stranger's snapshot must not make us write.

/** Why a component of a path may not become a file's name here; undefined when it may. */
export const unsafeComponent = (
  name: string,
  platform: NodeJS.Platform = process.platform,
): string | undefined => {
  if (name === '') return 'it has an empty component';
  if (name === '.' || name === '..') return `it has the component ${name}`;
  if (name.includes('\0')) return 'it has a NUL character';
  if (platform === 'win32' && /[\\:]/.test(name)) return 'it has a backslash or a colon';
  return undefined;
};
