import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { LONG } from '../../../testing/long.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { ROUNDS_OF_ALL_POINTS } from './kill-points.ts';
import type { RoundsSetup, Share } from './kill-rounds.ts';
import { killRounds } from './kill-rounds.ts';
import { KillWorld, MERGE_OPTIONS } from './kill-world.ts';
import { startMortal } from './mortal.ts';

const ROUNDS = Number(process.env.SEGMENTD_KILL_ROUNDS ?? (LONG ? 153 : ROUNDS_OF_ALL_POINTS));

test('killed anywhere, it continues where it was', { timeout: 600_000 }, async () => {
  const left = await killRounds(ROUNDS, fileSetup);
  // Deaths between uploading and the commit leave segments, and those between staging and linking leave files.
  for (const what of ['folders', 'staged'] as const) expect(left.some((share) => share[what] > 0)).toBe(true);
});

/** The daemon as it is, but its records come from a file. */
async function fileSetup(share: Share): Promise<RoundsSetup> {
  const home = await tempDir();
  const database = join(home, 'db');
  await mkdir(database);
  const [recordsFile, positionFile] = [join(home, 'records'), join(home, 'position')];
  await writeFile(recordsFile, '');
  await writeFile(positionFile, '0');
  const configFile = join(home, 'segmentd.yaml');
  const scratch = join(home, 'scratch');
  const config = {
    databases: { db: database },
    kafka: { brokers: ['127.0.0.1:1'], create_topics: { enabled: false } },
    batch: { max_fragments: 1 },
    merge: MERGE_OPTIONS,
    state: { scratch_dir: scratch },
    http: { port: 0 },
  };
  await writeFile(configFile, stringify(config));
  const world = await KillWorld.open(database, share);
  onTestFinished(() => world.close());
  return {
    world,
    scratch,
    events: {
      send: (event) => appendFile(recordsFile, `${event}\n`),
      position: async () => Number(await readFile(positionFile, 'utf8')),
    },
    start: () =>
      startMortal(configFile, ['use-file-source.ts'], { RECORDS_FILE: recordsFile, POSITION_FILE: positionFile }),
  };
}
