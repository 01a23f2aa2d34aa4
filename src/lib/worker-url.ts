// Where a worker thread's file is: beside its caller, and TypeScript or JavaScript as the caller is.
import { extname } from 'node:path';

/** `workerUrl(import.meta.url, './seal-worker')`. */
export const workerUrl = (callerUrl: string, name: string): URL =>
  new URL(`${name}${extname(callerUrl)}`, callerUrl);
