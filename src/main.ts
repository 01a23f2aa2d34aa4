#!/usr/bin/env node
// The one executable: reads the command line, runs the command, and ends with its exit status.
import { setFlagsFromString } from 'node:v8';
import { keepCompiledCode } from '#lib/compiled-code.ts';
import { nodeIsTooOld, runOnNewerNode } from '#lib/newer-node.ts';

if (nodeIsTooOld()) process.exit(await runOnNewerNode());
setFlagsFromString('--semi-space-growth-factor=16'); // while code is loaded, a young heap of small steps is collected twice as often
keepCompiledCode(process.env); // before anything that is worth keeping is loaded
const { runProcess } = await import('#cli/process.ts');
setFlagsFromString('--semi-space-growth-factor=1'); // and large enough then, for this thread and for workers
// Everything is closed by now; a socket or worker that somebody forgot must not keep the process.
process.exit(await runProcess());
