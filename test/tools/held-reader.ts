// Loaded before a program (node --import): what reads the configuration for a daemon begins when a file is there.
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const { READ_WHEN_THERE = '' } = process.env;
if (process.argv.includes('schedule')) while (!existsSync(READ_WHEN_THERE)) await wait(10);
