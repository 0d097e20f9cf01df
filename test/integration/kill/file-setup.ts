/** The daemon as it is, but its records come from a file: what is killed starts again without a broker. */
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { MIN_ROWS } from '../../../testing/kind-rows.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import type { RoundsSetup } from './kill-rounds.ts';
import { KillWorld, MERGE_OPTIONS } from './kill-world.ts';
import { startMortal } from './mortal.ts';

/** Where the database lies, when not in a folder of its own. */
export type KilledPlace = {
  readonly uri: string;
  /** Of the tests, and of the process that is killed. */
  readonly storageOptions: { readonly ours: Record<string, string>; readonly theirs: Record<string, string> };
};

type SetupOptions = {
  /** Added to these sections of the configuration. */
  readonly merge?: object;
  readonly batch?: object;
  /** Of the tables. */
  readonly stableRowIds?: boolean;
};

export async function fileSetup(
  place?: KilledPlace,
  { merge = {}, batch = {}, stableRowIds = false }: SetupOptions = {},
): Promise<Omit<RoundsSetup, 'arm'>> {
  const home = await tempDir();
  const uri = place?.uri ?? join(home, 'db');
  if (!place) await mkdir(uri);
  const [recordsFile, positionFile] = [join(home, 'records'), join(home, 'position')];
  await writeFile(recordsFile, '');
  await writeFile(positionFile, '0');
  const configFile = join(home, 'segmentd.yaml');
  const scratch = join(home, 'scratch');
  const config = {
    databases: { db: place ? { uri, storage_options: place.storageOptions.theirs } : uri },
    kafka: { brokers: ['127.0.0.1:1'], create_topics: { enabled: false } },
    batch: { max_fragments: 1, ...batch },
    merge: { ...MERGE_OPTIONS, ...merge },
    vector: { min_rows: MIN_ROWS },
    state: { scratch_dir: scratch },
    http: { port: 0 },
  };
  await writeFile(configFile, stringify(config));
  const world = await KillWorld.open(uri, { storageOptions: place?.storageOptions.ours ?? {}, stableRowIds });
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
