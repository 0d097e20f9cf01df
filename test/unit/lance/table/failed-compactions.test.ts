import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import type { FailedCompactions } from '../../../../src/lance/table/failed-compactions.ts';
import {
  consecutiveFailures,
  followHistory,
  readFailedCompactions,
} from '../../../../src/lance/table/failed-compactions.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { versionFileName } from '../../../../src/lib/manifest-name.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import type { ManifestSpec, WireField } from '../manifest-fixture.ts';
import { indexEntry, manifestFile, message } from '../manifest-fixture.ts';
import { tableFolder } from '../table-fixture.ts';

type Entry = {
  readonly writer: string;
  readonly read: number;
  readonly operation: WireField;
  /** Fragments of the version, and the highest id ever given out. */
  readonly live: readonly number[];
  readonly max: number;
  readonly atMs?: number;
};

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START_MS = 1_700_000_000_000;

const APPEND: WireField = [100, message()];
const REWRITE: WireField = [104, message()];
const reserve = (count: number): WireField => [107, message([1, count])];
const createIndex = (added: number, removed: number): WireField => {
  const entries = (field: number, count: number) =>
    Array.from({ length: count }, (_, at) => [field, indexEntry({ uuid: 10 * field + at })] as const);
  return [103, message(...entries(1, added), ...entries(2, removed))];
};

const theirs = (read: number, operation: WireField, live: readonly number[], max: number, atMs?: number): Entry => ({
  ...{ writer: 'lance', read, operation, live, max },
  ...(atMs === undefined ? {} : { atMs }),
});
const ours = (read: number, live: readonly number[], max: number): Entry => ({
  ...theirs(read, createIndex(1, 1), live, max),
  writer: 'segmentd',
});

function specOf({ writer, read, operation, live, max, atMs }: Entry, version: number): ManifestSpec {
  const at = atMs ?? START_MS + version * MINUTE;
  return {
    version,
    writer: [writer, '1.2.3'],
    fragments: live.map((id) => ({ id })),
    transaction: message([1, read], [2, `uuid-${version}`], operation),
    more: [
      [7, message([1, at / 1000])],
      [11, max],
    ],
  };
}

const NOTHING: FailedCompactions = { version: 0, maxFragmentId: -1, lastOurs: 0, unused: [] };

const manifestOf = (entry: Entry, version: number) => parseManifest(manifestFile(specOf(entry, version)));
/** The entries are versions 1, 2, 3 and so on. */
const follow = (entries: readonly Entry[], from = NOTHING) =>
  entries.reduce((history, entry, at) => followHistory(history, manifestOf(entry, from.version + at + 1)), from);
const lostIn = (entries: readonly Entry[]) => consecutiveFailures(follow(entries)).map(({ version }) => version);

const F = [0, 1, 2];
const LOST = [theirs(0, APPEND, F, 2), ours(1, F, 2), theirs(1, reserve(2), F, 4)];

test('a compaction planned before a commit of segmentd, whose fragments no version has, has failed', () => {
  const history = follow(LOST);
  expect(consecutiveFailures(history)).toEqual([
    { readVersion: 1, version: 3, atMs: START_MS + 3 * MINUTE, firstId: 3, lastId: 4 },
  ]);
  expect(history).toMatchObject({ version: 3, maxFragmentId: 4, lastOurs: 2 });
});

test.each<[string, Entry[], number[]]>([
  ['ours came before it was planned', [ours(0, F, 2), theirs(1, reserve(2), F, 4)], []],
  ['ours came after it had set ids aside', [theirs(0, reserve(1), F, 3), ours(1, F, 3)], [1]],
  [
    'the commit was that of another',
    [theirs(0, APPEND, F, 2), theirs(1, createIndex(1, 1), F, 2), theirs(1, reserve(2), F, 4)],
    [],
  ],
  ['we set the ids aside', [ours(0, F, 2), { ...theirs(0, reserve(2), F, 4), writer: 'segmentd' }, ours(1, F, 4)], []],
  ['no ids were set aside', [ours(0, F, 2), theirs(0, reserve(0), F, 2)], []],
  ['it landed beside ours', [...LOST, theirs(1, REWRITE, [3, 4], 4)], []],
  ['only its last fragment was seen, much later', [...LOST, ours(3, F, 4), theirs(4, APPEND, [0, 4, 7], 7)], []],
  ['only its first fragment was seen', [...LOST, theirs(3, APPEND, [0, 3, 7], 7)], []],
  [
    'a second one was seen to have landed',
    [...LOST, ours(3, F, 4), theirs(3, reserve(1), F, 5), theirs(3, APPEND, [5, 6], 6)],
    [],
  ],
  ['a compaction landed whose reservation was not seen', [...LOST, theirs(3, REWRITE, [9], 9)], []],
  ['fragments beside its own were seen', [...LOST, theirs(3, APPEND, [0, 1, 2, 5], 5)], [3]],
  ['another compaction landed after it', [...LOST, theirs(3, reserve(1), F, 5), theirs(3, REWRITE, [5], 5)], []],
  ['an optimize_indices landed after it', [...LOST, theirs(3, createIndex(1, 1), F, 4)], []],
  ['an index was added after it', [...LOST, theirs(3, createIndex(1, 0), F, 4)], [3]],
  ['an index was dropped after it', [...LOST, theirs(3, createIndex(0, 1), F, 4)], [3]],
  ['it was appended to after it', [...LOST, theirs(3, APPEND, [0, 1, 2, 5], 5)], [3]],
  ['ours came after it', [...LOST, ours(3, F, 4)], [3]],
  ['a second one was lost', [...LOST, ours(3, F, 4), theirs(3, reserve(1), F, 5)], [3, 5]],
  ['the same plan was lost again', [...LOST, ours(3, F, 4), theirs(1, reserve(1), F, 5)], [3]],
  ['a second one is still open', [...LOST, theirs(3, reserve(1), F, 5)], [3]],
])('when %s', (_, entries, lost) => {
  expect(lostIn(entries)).toEqual(lost);
});

test('a compaction that is open stays so when another lands, and may fail later', () => {
  const history = follow([
    ...LOST,
    theirs(3, reserve(1), F, 5),
    theirs(3, reserve(1), F, 6),
    theirs(3, REWRITE, [5], 6),
  ]);
  expect(history.unused.map(({ version }) => version)).toEqual([5]);
  expect(consecutiveFailures(follow([ours(6, [5], 6)], history)).map(({ version }) => version)).toEqual([5]);
});

test('failures are forgotten after some hours, and only a few are remembered', () => {
  const at = (ms: number) => [...LOST, theirs(3, APPEND, F, 4, START_MS + 3 * MINUTE + ms)];
  expect(lostIn(at(6 * HOUR - 1000))).toEqual([3]);
  expect(lostIn(at(6 * HOUR))).toEqual([]);
  const many = Array.from({ length: 20 }, (_, n) => theirs(1, reserve(1), F, 5 + n));
  expect(follow([...LOST, ...many]).unused.map(({ version }) => version)).toEqual([16, 17, 18, 19, 20, 21, 22, 23]);
});

/** A table with this history, and how many objects are read of it. */
async function tableOf(entries: readonly Entry[]) {
  const folder = await tableFolder(specOf(entries[0] as Entry, 1));
  for (const [at, entry] of entries.entries()) await folder.write(specOf(entry, at + 1));
  const inner = localStore(folder.root);
  const calls: string[] = [];
  const read = (key: string) => {
    calls.push(key);
    return inner.read(key);
  };
  const list = (key: string) => {
    calls.push(key);
    return inner.list(key);
  };
  const table = new LanceTable({ ...inner, read, list });
  await table.latest();
  calls.length = 0;
  const spent = () => calls.splice(0).filter((key) => !key.endsWith('_hint.json')).length;
  const write = (entry: Entry, version: number) => folder.write(specOf(entry, version));
  const remove = (version: number) => rm(join(folder.root, '_versions', versionFileName('V2', version)));
  return { table, spent, write, remove };
}

test('reading says what following the versions says', async () => {
  const entries = [...LOST, ours(3, F, 4), theirs(3, reserve(1), F, 5)];
  const { table } = await tableOf(entries);
  expect(await readFailedCompactions(table, null)).toEqual(follow(entries));
});

test('reading continues where it ended', async () => {
  const { table, write, spent } = await tableOf(LOST);
  const before = await readFailedCompactions(table, null);
  expect(spent()).toBe(2);
  expect(await readFailedCompactions(table, before)).toBe(before);
  expect(spent()).toBe(0);
  await write(ours(3, F, 4), 4);
  await write(theirs(3, reserve(1), F, 5), 5);
  expect(consecutiveFailures(await readFailedCompactions(table, before)).map(({ version }) => version)).toEqual([3, 5]);
  expect(spent()).toBe(2);
});

test('maintenance that lands is noticed even when no fragment id is missing', async () => {
  const { table, write } = await tableOf(LOST);
  const before = await readFailedCompactions(table, null);
  await write(theirs(3, createIndex(1, 1), F, 4), 4);
  await write(theirs(4, APPEND, [...F, 5], 5), 5);
  expect([
    consecutiveFailures(before).length,
    consecutiveFailures(await readFailedCompactions(table, before)).length,
  ]).toEqual([1, 0]);
});

const GROWING = Array.from({ length: 200 }, (_, at) =>
  theirs(
    at,
    APPEND,
    Array.from({ length: at + 1 }, (__, id) => id),
    at,
  ),
);

test('a table without compactions by others costs one read of its history, and later none', async () => {
  const { table, spent, write } = await tableOf(GROWING.slice(0, 100));
  const before = await readFailedCompactions(table, null);
  expect([before.version, before.maxFragmentId, before.unused, spent()]).toEqual([100, 99, [], 1]);
  for (let at = 100; at < 120; at++) await write(GROWING[at] as Entry, at + 1);
  await write({ ...(GROWING[120] as Entry), writer: 'segmentd' }, 121);
  const after = await readFailedCompactions(table, before);
  expect([after.version, after.maxFragmentId, after.lastOurs]).toEqual([121, 120, 121]);
  // The new version itself.
  expect(spent()).toBe(1);
});

const MANY_LOST = [
  ours(0, F, 2),
  ...Array.from({ length: 199 }, (_, at) => (at % 2 ? ours(at, F, 3 + at) : theirs(at, reserve(1), F, 3 + at))),
];

test.each([
  { limits: { versions: 10, bytes: 1e9 }, reads: 10 },
  { limits: { versions: 1000, bytes: 4096 }, reads: null },
  { limits: { versions: 1000, bytes: 1 }, reads: 1 },
])('the history is read no further back than $limits', async ({ limits, reads }) => {
  const { table, spent } = await tableOf(MANY_LOST);
  const most = reads ?? Math.floor(limits.bytes / (await table.latest()).file.byteLength);
  await readFailedCompactions(table, null, limits);
  expect(spent()).toBe(most);
  const before = { ...NOTHING, version: 3, maxFragmentId: 4 };
  const known = await readFailedCompactions(table, before, limits);
  expect(spent()).toBe(most - 1);
  expect(known.version).toBe(200);
});

test('versions that a cleanup took away say nothing', async () => {
  const { table, remove } = await tableOf([...LOST, ours(3, F, 4), theirs(3, reserve(1), F, 5), ours(5, F, 5)]);
  for (const version of [1, 2, 3]) await remove(version);
  expect(consecutiveFailures(await readFailedCompactions(table, null)).map(({ version }) => version)).toEqual([5]);
  const { table: same, remove: cleanUp } = await tableOf(MANY_LOST);
  await cleanUp(190);
  const known = await readFailedCompactions(same, null, { versions: 10, bytes: 1e9 });
  expect(known.unused.length).toBeGreaterThan(3);
});

test('a table that was made anew has a new history', async () => {
  const { table } = await tableOf(LOST);
  const before = { version: 50, maxFragmentId: 70, lastOurs: 49, unused: follow(LOST).unused };
  expect(await readFailedCompactions(table, before)).toEqual(follow(LOST));
});
