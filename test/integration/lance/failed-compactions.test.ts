/** Compactions of others that lose to a commit of segmentd, for real: what they leave behind, and what segmentd sees of it. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect } from '@lancedb/lancedb';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { commitChange } from '../../../src/lance/commit/commit-change.ts';
import { uploadSegments } from '../../../src/lance/commit/upload.ts';
import { lanceSegmentBuilder } from '../../../src/lance/engine/segment-builder.ts';
import type { IndexState } from '../../../src/lance/plan/index-plan.ts';
import { maintainedIndexes } from '../../../src/lance/plan/index-plan.ts';
import { requestFor } from '../../../src/lance/plan/next-segments.ts';
import type { FailedCompactions } from '../../../src/lance/table/failed-compactions.ts';
import { consecutiveFailures, readFailedCompactions } from '../../../src/lance/table/failed-compactions.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import type { RealTable } from '../../../testing/lance-table.ts';
import { index, latest, realTable } from '../../../testing/lance-table.ts';
import { localPlace } from '../../../testing/local-place.ts';
import { LONG } from '../../../testing/long.ts';
import type { Pylance, PylanceVersion } from '../../../testing/pylance.ts';
import { findPylance, versionsFor } from '../../../testing/pylance.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { people } from './people.ts';

/** A writer that maintains a table on the version that was the latest when it opened the table. */
type Other = {
  compact(): Promise<Fate>;
  optimizeIndices?(): Promise<Fate>;
};
type Fate = 'landed' | 'failed';

/** Names a way to open a table; undefined where there is no pylance to be had. */
type Opens = (real: RealTable) => Promise<Other | undefined>;

const LOST = /Retryable commit conflict .* preempted by concurrent transaction CreateIndex/;

function fateOf(error: unknown): Fate {
  if (LOST.test(String(error))) return 'failed';
  throw error;
}

const lanceDb: Opens = async ({ database }) => {
  const connection = await connect(database);
  const table = await connection.openTable('t');
  onTestFinished(() => {
    table.close();
    connection.close();
  });
  // It compacts first and ends there when that fails.
  return { compact: () => table.optimize().then(() => 'landed' as const, fateOf) };
};

const SCRIPT = `
import json, sys
import lance
ds = lance.dataset(sys.argv[1])
print("opened", flush=True)
for line in sys.stdin:
    try:
        getattr(ds.optimize, line.strip())()
        print("landed", flush=True)
    except Exception as error:
        print(str(error).replace("\\n", " "), flush=True)
`;

function pylance(version: PylanceVersion): Opens {
  let found: Pylance | undefined;
  // Installing takes as long as the network does.
  beforeAll(async () => {
    found = await findPylance(version);
  }, 600_000);
  return async ({ uri }) => {
    if (!found) return;
    const child = spawn(found.python, ['-s', '-c', SCRIPT, uri], {
      env: found.env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const ask = async (action: string): Promise<Fate> => {
      child.stdin.write(`${action}\n`);
      const line: string | undefined = (await lines.next()).value;
      return line === 'landed' ? line : fateOf(line);
    };
    expect((await lines.next()).value).toBe('opened');
    return { compact: () => ask('compact_files'), optimizeIndices: () => ask('optimize_indices') };
  };
}

/** Fragments of 100 rows, and one segment over those of each group. */
async function table(...groups: readonly number[]): Promise<RealTable> {
  const real = await realTable(people(0, 100));
  let at = 0;
  for (const fragments of groups) {
    for (let count = 0; count < fragments; count++, at++) if (at > 0) await append(real);
    await index(real.uri, { wanted: [{ column: 'id' }] });
  }
  return real;
}

const append = ({ table: it }: RealTable) => it.add(people(0, 100));

/** Replaces the segments at these places of the index by one. */
async function merge({ uri }: RealTable, ...places: readonly number[]): Promise<void> {
  const lance = new LanceTable(localStore(uri));
  const base = await lance.latest();
  const inputs = places.map((place) => base.indexes[place]);
  const fragments = inputs.flatMap((input) => Array.from(input?.fragments ?? []));
  const [state] = maintainedIndexes(base, 'existing');
  const request = requestFor(state as IndexState, Uint32Array.from(fragments), 0);
  await using build = await lanceSegmentBuilder(await tempDir()).build(base, localPlace(uri), [request]);
  const { durable } = await uploadSegments(lance.store, build.segments);
  const outcome = await commitChange(
    lance,
    {
      ...{ base, addSegments: build.segments, durable, transactionUuid: randomUUID(), properties: {} },
      removeSegments: inputs.map((input) => input?.uuid ?? ''),
    },
    { maxAttempts: 5, initialBackoffMs: 5, writer: { library: 'segmentd', version: '0.0.0-test' } },
  );
  expect(outcome.kind).toBe('landed');
}

const look = ({ uri }: RealTable, before: FailedCompactions | null = null) =>
  readFailedCompactions(new LanceTable(localStore(uri)), before);

/** Transaction files that no version names. */
async function orphans({ uri }: RealTable): Promise<string[]> {
  const lance = new LanceTable(localStore(uri));
  const { version } = await lance.latest();
  const versions = await Promise.all(Array.from({ length: version }, (_, at) => lance.at(at + 1)));
  const named = new Set(versions.map((it) => it?.transactionFile));
  return (await readdir(join(uri, '_transactions'))).filter((name) => !named.has(name));
}

const OTHERS = {
  'LanceDB, lance 12': () => lanceDb,
  ...Object.fromEntries(versionsFor(LONG).map((version) => [`pylance ${version}`, () => pylance(version)] as const)),
};

describe.each(Object.entries(OTHERS))('%s', (_, make) => {
  const open = make();

  test.each<{ fate: Fate; ours: string; groups: number[]; commit: (real: RealTable) => Promise<unknown> }>([
    { fate: 'failed', ours: 'the first segments of its fragments', groups: [], commit: ({ uri }) => index(uri, ID) },
    { fate: 'failed', ours: 'a merge of its segments', groups: [2, 2], commit: (real) => merge(real, 0, 1) },
    { fate: 'landed', ours: 'segments of other fragments', groups: [3], commit: appendAndIndex },
    { fate: 'landed', ours: 'a merge of other segments', groups: [3, 1, 1], commit: (real) => merge(real, 1, 2) },
  ])('a compaction that meets $ours is $fate', async ({ fate, groups, commit }) => {
    const real = await table(...groups);
    for (let count = 0; groups.length === 0 && count < 3; count++) await append(real);
    const other = await open(real);
    if (!other) return;
    await commit(real);
    const before = await latest(real.uri);
    expect(await other.compact()).toBe(fate);
    const after = await latest(real.uri);
    expect(after.fragments.length < before.fragments.length).toBe(fate === 'landed');
    expect(await orphans(real)).toEqual([]);

    const failed = consecutiveFailures(await look(real));
    expect(failed.map(({ version }) => version)).toEqual(fate === 'failed' ? [after.version] : []);
  });

  test('failed compactions are counted until one lands', async () => {
    const real = await table(3);
    const rows: number[] = [];
    let known: FailedCompactions | null = null;
    const count = async () => {
      known = await look(real, known);
      rows.push(consecutiveFailures(known).length);
      // Reading the history afterwards gives the same.
      expect(consecutiveFailures(await look(real))).toEqual(consecutiveFailures(known));
    };
    await count();
    for (let failed = 0; failed < 2; failed++) {
      await appendAndIndex(real);
      const other = await open(real);
      if (!other) return;
      await merge(real, 0, 1);
      expect(await other.compact()).toBe('failed');
      // On the version that it opened it cannot land any more, so this is the same conflict.
      expect(await other.compact()).toBe('failed');
      await count();
    }
    expect(await (await open(real))?.compact()).toBe('landed');
    await count();
    expect(rows).toEqual([0, 1, 2, 0]);
  });

  // LanceDB's optimize compacts first, and ends there.
  if (open === lanceDb) return;
  test('a failed optimize_indices leaves no trace', async () => {
    const real = await table(2, 2);
    await append(real);
    const other = await open(real);
    if (!other?.optimizeIndices) return;
    await merge(real, 0, 1);
    const { version } = await latest(real.uri);
    expect(await other.optimizeIndices()).toBe('failed');
    expect((await latest(real.uri)).version).toBe(version);
    expect(await orphans(real)).toEqual([]);
    expect(consecutiveFailures(await look(real))).toEqual([]);
  });
});

const ID = { wanted: [{ column: 'id' }] };

async function appendAndIndex(real: RealTable): Promise<void> {
  await append(real);
  await index(real.uri);
}
