// Links from a folder to one above it: whoever follows them goes round for ever, and where there are two of them, ever more ways round.
import { HoldfastError } from '#lib/errors.ts';

/** Whether that folder is one of the others, or one of those lies in it; real paths with slashes. */
export const leadsAbove = (to: string, folders: readonly string[]): boolean =>
  folders.some((folder) => `${folder}/`.startsWith(`${to}/`.replace('//', '/')));

export const linkLoop = (path: string): HoldfastError =>
  new HoldfastError('STORE_DENIED', `${path} is a link that leads to a folder above it`, {
    hint: 'remove the link: what it leads to is in the store already, under its own name',
  });
