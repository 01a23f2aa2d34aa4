// Ways to log in that the driver does not bring.
import type { AuthPlugin } from 'mysql2';

/** By the names under which servers ask for them. */
export const authPlugins = (_password: string): Record<string, AuthPlugin> => ({
  // The server asks the operating system who is at the other end of its Unix socket; nothing needs to be said.
  unix_socket: () => () => nothing,
  auth_socket: () => () => nothing,
});

const nothing = Buffer.alloc(0);
