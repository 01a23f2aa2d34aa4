// Names that a stranger's snapshot must not make us write.

/** Why a component of a path may not become a file's name here; undefined when it may. */
export const unsafeComponent = (
  name: string,
  platform: NodeJS.Platform = process.platform,
): string | undefined => {
  if (name === '') return 'it has an empty component';
  if (name === '.' || name === '..') return `it has the component ${name}`;
  if (name.includes('\0')) return 'it has a NUL character';
  if (platform !== 'win32') return undefined;
  if (/[\\:]/.test(name)) return 'it has a backslash or a colon';
  if (/[. ]$/.test(name)) return 'Windows leaves out the dot or space at its end';
  return device.test(name) ? 'Windows takes it for a device' : undefined;
};

/** What is written to such a name goes nowhere, or to a port, in whatever folder: https://learn.microsoft.com/windows/win32/fileio/naming-a-file */
const device = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)/i;
