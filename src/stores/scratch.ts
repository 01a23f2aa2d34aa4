// Where `store verify` puts what it removes again.
export const scratchFolder = 'holdfast-verify/';

/** True for objects that come and go: holding them against deletion would only get in the way. */
export const isPassing = (key: string): boolean => key.startsWith('locks/') || key.startsWith(scratchFolder);
