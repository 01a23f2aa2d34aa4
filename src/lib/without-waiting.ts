// How a file is opened that may be something else.
import { constants } from 'node:fs';

/** To be read: a pipe would be waited for until somebody writes into it. */
export const withoutWaiting = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
