// Several machines, or several configuration files, that archive into one place under names that tell none of them.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, suite, test } from 'node:test';
import { holdfast, type Outcome, standingClock } from '../src/cli/testing.ts';
import { temporaryFolder } from './tools/temp.ts';

const dayMs = 86_400_000;

/** A machine, or a user of one, with a file to archive and a catalog of its own. */
class Archiver {
  readonly #folder: string;
  readonly host: string;
  file: string;

  constructor(place: string, host: string, name = host) {
    this.#folder = join(place, name);
    this.host = host;
    this.file = join(this.#folder, 'holdfast.yaml');
    mkdirSync(join(this.#folder, 'media'), { recursive: true });
    writeFileSync(join(this.#folder, 'media/whose.txt'), name);
    const job = `archive: [media], to: [${join(place, 'vault')}]`;
    writeFileSync(
      this.file,
      `sources: { media: { kind: files, path: ${join(this.#folder, 'media')} } }
catalog: ${join(this.#folder, 'catalog.db')}
jobs:
  daily: { ${job}, name: "{source}_{yyyy}{mm}{dd}.tar", keep: { last: 2 } }
  timely: { ${job}, name: "{source}-{yyyy}{mm}{dd}{HH}{MM}.tar", keep: { last: 2 } }
  latest: { ${job}, name: "{source}.tar" }
`,
    );
    chmodSync(this.file, 0o600);
  }

  async run(clock: ReturnType<typeof standingClock>, ...words: string[]): Promise<Outcome> {
    process.env.HOLDFAST_HOST = this.host;
    return await holdfast([...words, '--config', this.file], { clock, env: {} });
  }

  async done(clock: ReturnType<typeof standingClock>, ...words: string[]): Promise<Outcome> {
    const outcome = await this.run(clock, ...words);
    assert.equal(outcome.status, 0, outcome.stderr);
    return outcome;
  }

  forgets(): void {
    rmSync(join(this.#folder, 'catalog.db'));
  }

  moveFile(): void {
    const moved = join(this.#folder, 'moved.yaml');
    renameSync(this.file, moved);
    this.file = moved;
  }
}

suite('archives of several in one place', () => {
  afterEach(() => {
    delete process.env.HOLDFAST_HOST;
  });
  const place = (name: string) => {
    const folder = temporaryFolder(`archive-${name}`);
    const vault = join(folder, 'vault');
    const archives = (): string[] => readdirSync(vault).filter((file) => file.endsWith('.tar'));
    const unmark = (): void => {
      for (const file of readdirSync(vault)) if (file.endsWith('.owner')) rmSync(join(vault, file));
    };
    return { folder, vault, archives, unmark, clock: standingClock('2026-11-21T03:30:00') };
  };

  test('each machine keeps as many as its rules say, and none of them removes another’s', async () => {
    const { folder, archives, clock } = place('machines');
    const [one, two] = [new Archiver(folder, 'web-1'), new Archiver(folder, 'web-2')];
    for (let day = 0; day < 4; day += 1) {
      await one.done(clock, 'run', 'timely');
      clock.advance(60_000);
      await two.done(clock, 'run', 'timely');
      clock.advance(dayMs - 60_000);
    }
    assert.deepEqual(
      archives(),
      ['230330', '230331', '240330', '240331'].map((time) => `media-202611${time}.tar`),
    );
    const { stdout } = await two.done(clock, 'restore', '--archive', 'timely', '--to', join(folder, 'back'));
    assert.match(stdout, /media-202611240331/);
  });

  test('a name that another machine has used is not used again, and the run says whose it is', async () => {
    const { folder, vault, clock } = place('names');
    const [one, two] = [new Archiver(folder, 'web-1'), new Archiver(folder, 'web-2')];
    await one.done(clock, 'run', 'daily');
    const { status, stderr } = await two.run(clock, 'run', 'daily');
    assert.equal(status, 1);
    assert.match(stderr, /media_20261121\.tar is not replaced: job daily of .* on web-1 made it/);
    assert.match(stderr, /put \{host\} or \{job\} into "name".*HOLDFAST_HOST=web-1/);
    assert.match(readFileSync(join(vault, 'media_20261121.tar'), 'latin1'), /web-1/);
    const doctor = await two.run(clock, 'doctor');
    assert.match(
      doctor.stdout,
      /store of daily .*media_20261121\.tar is not replaced: job daily of .* on web-1/,
    );
    assert.equal(doctor.status, 3);
    await one.done(clock, 'doctor');
    await one.done(clock, 'run', 'daily');
    for (const ending of ['', '.owner', '.sha256']) rmSync(join(vault, `media_20261121.tar${ending}`));
    await two.done(clock, 'run', 'daily');
    assert.equal(
      (await one.run(clock, 'run', 'daily')).status,
      1,
      'it has made one of that name and size, too',
    );
  });

  test('a machine goes on without its catalog, with its file moved, and with another name', async () => {
    const { folder, archives, clock } = place('same');
    const one = new Archiver(folder, hostname(), 'one');
    const next = async (archiver: Archiver): Promise<Outcome> => {
      clock.advance(dayMs);
      await archiver.done(clock, 'run', 'latest');
      return await archiver.done(clock, 'run', 'daily');
    };
    for (let day = 0; day < 2; day += 1) await next(one);
    one.forgets();
    await next(one);
    one.moveFile();
    await next(one);
    Object.assign(one, { host: 'renamed' });
    await next(one);
    assert.deepEqual(archives(), ['media.tar', 'media_20261125.tar', 'media_20261126.tar']);
    assert.doesNotMatch((await one.done(clock, 'doctor')).stdout, /is no more/);
    const two = new Archiver(folder, 'renamed', 'two');
    rmSync(one.file);
    clock.advance(dayMs);
    const { stdout } = await two.run(clock, 'doctor');
    assert.match(stdout, /media_20261126\.tar stays: job daily of .* on .*, which made it, is no more/);
  });

  test('two files of one machine with a job of the same name are two owners', async () => {
    const { folder, archives, clock } = place('files');
    const [ada, eve] = [new Archiver(folder, 'web-1', 'ada'), new Archiver(folder, 'web-1', 'eve')];
    await ada.done(clock, 'run', 'latest');
    assert.match((await eve.run(clock, 'run', 'latest')).stderr, /is not replaced: .*\/ada\/holdfast\.yaml/);
    for (let day = 0; day < 3; day += 1) {
      await (day === 0 ? ada : eve).done(clock, 'run', 'daily');
      clock.advance(dayMs);
    }
    await eve.done(clock, 'run', 'daily');
    assert.deepEqual(archives(), ['media.tar', ...['21', '23', '24'].map((day) => `media_202611${day}.tar`)]);
  });

  test('what an older version archived is removed by whoever remembers it, and else stays, which is told', async () => {
    const { folder, archives, unmark, clock } = place('older');
    const one = new Archiver(folder, 'web-1');
    for (let day = 0; day < 2; day += 1) {
      await one.done(clock, 'run', 'daily');
      clock.advance(dayMs);
    }
    unmark();
    await one.done(clock, 'run', 'daily');
    assert.deepEqual(archives(), ['media_20261122.tar', 'media_20261123.tar']);
    unmark();
    one.forgets();
    const refused = await one.run(clock, 'run', 'daily');
    assert.match(refused.stderr, /media_20261123\.tar is not replaced: nothing tells that this job made it/);
    clock.advance(dayMs);
    const { stderr } = await one.done(clock, 'run', 'daily');
    assert.match(
      stderr,
      /media_20261122\.tar and 1 other file stay, since nothing tells that daily made them/,
    );
    assert.equal(archives().length, 3);
  });
});
