// Where a worker thread's file is: beside its caller, and TypeScript or JavaScript as the caller is.
import { extname } from 'node:path';
import { assertWorkingFolder } from './working-folder.ts';

/** `workerUrl(import.meta.url, './seal-worker')`. USAGE where the working folder is gone: without one no thread starts. */
export const workerUrl = (callerUrl: string, name: string): URL => {
  assertWorkingFolder();
  return new URL(`${name}${extname(callerUrl)}`, callerUrl);
};
