import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skipWithout } from './servers/programs.ts';
import { receiveDays } from './tools/receive-days.ts';

test('a receiver equals its sender at each point it reaches, and readers see nothing between them', {
  skip: skipWithout('postgresql') ?? false,
}, async () => {
  const report = await receiveDays({ days: 2, partialsADay: 5, seed: 11, sinceMs: 600_000 });
  assert.ok(report.compared >= 4, JSON.stringify(report));
  assert.ok(report.looks > 20, JSON.stringify(report));
});
