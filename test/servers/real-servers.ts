// Servers that no test can install: tests of them run where a variable names one, and are skipped elsewhere, with that reason.

const realServers = {
  HOLDFAST_TEST_SQLSERVER: 'SQL Server',
  HOLDFAST_TEST_MONGODB: 'MongoDB',
  /** The folder of the two. */
  HOLDFAST_TEST_MONGO_TOOLS: 'mongodump and mongorestore',
  HOLDFAST_TEST_COUCHDB: 'CouchDB',
} as const;

type Variable = keyof typeof realServers;

/** Why tests that need such a server cannot run here, for node:test's `skip`, or undefined when they can. */
export const skipWithoutReal = (variable: Variable): string | undefined =>
  process.env[variable] ? undefined : `needs a real ${realServers[variable]} in ${variable}`;

/** Whether a test was skipped for want of such a server, and not for anything that could be had. */
export const isKnownGap = (reason: string): boolean =>
  (Object.keys(realServers) as Variable[]).some((variable) => reason === skipWithoutReal(variable));
