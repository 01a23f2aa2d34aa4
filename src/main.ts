#!/usr/bin/env node
// The one executable: reads the command line, runs the command, and ends with its exit status.
import { keepCompiledCode } from '#lib/compiled-code.ts';
import { nodeIsTooOld, runOnNewerNode } from '#lib/newer-node.ts';
import { growYoungHeap } from '#lib/young-heap.ts';

if (nodeIsTooOld()) process.exit(await runOnNewerNode());
growYoungHeap();
keepCompiledCode(process.env); // before anything that is worth keeping is loaded
const { deriveKeyAhead } = await import('#cli/key-ahead.ts');
await deriveKeyAhead(process.argv.slice(2), process.env);
const { runProcess } = await import('#cli/process.ts');
// Everything is closed by now; a socket or worker that somebody forgot must not keep the process.
process.exit(await runProcess());
