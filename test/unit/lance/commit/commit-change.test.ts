import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { decodeTransactionHead, encodeCreateIndex } from '../../../../src/lance/codec/transaction.ts';
import { commitChange } from '../../../../src/lance/commit/commit-change.ts';
import type { CommitRequest } from '../../../../src/lance/commit/commit-request.ts';
import type { BuiltSegment } from '../../../../src/lance/segment.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { SegmentdError } from '../../../../src/lib/errors.ts';
import { versionFileName } from '../../../../src/lib/manifest-name.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import type { ObjectStore } from '../../../../src/store/object-store.ts';
import type { ManifestSpec } from '../manifest-fixture.ts';
import { manifestFile, uuidText } from '../manifest-fixture.ts';
import { remoteLike } from '../remote-fixture.ts';
import type { Fault, TableFolder } from '../table-fixture.ts';
import { faultyTable, tableFolder, uploadedSegment } from '../table-fixture.ts';

vi.mock('node:timers/promises', async (original) => {
  const real = await original<typeof import('node:timers/promises')>();
  return { ...real, setTimeout: vi.fn(real.setTimeout) };
});

const SETTINGS = { maxAttempts: 5, initialBackoffMs: 1, writer: { library: 'segmentd', version: '1.2.3' } };
const OURS = '00000000-0000-4000-8000-00000000cafe';
const BASE: ManifestSpec = {
  version: 5,
  fragments: [{ id: 0 }, { id: 1 }, { id: 2 }],
  indexes: [{ uuid: 1, fragments: [0] }],
};
const FILE = `_indices/${uuidText(0xbeef)}/page_data.lance`;

let folder: TableFolder;
let segment: BuiltSegment;
beforeEach(async () => {
  folder = await tableFolder(BASE);
  segment = await uploadedSegment(folder, [1, 2]);
});

afterEach(() => void vi.restoreAllMocks());

const request = (more: Partial<CommitRequest> = {}): CommitRequest => ({
  base: parseManifest(manifestFile(BASE)),
  addSegments: [segment],
  removeSegments: [],
  durable: Promise.resolve(),
  transactionUuid: OURS,
  properties: { who: 'test' },
  ...more,
});
const unavailable = () => new SegmentdError('store_unavailable', 'no answer');
const fail: Fault = () => Promise.reject(unavailable());
const landThenFail: Fault = async (put) => {
  await put();
  throw unavailable();
};
/** Another writer appends a fragment and takes the next version just before us. */
const lose: Fault = async (put) => {
  const versions = await folder.versions();
  const version = (versions.at(-1) ?? 0) + 1;
  const transaction = encodeCreateIndex({ uuid: 'theirs', readVersion: 1, added: [], removed: [], properties: {} });
  const fragments = Array.from({ length: version - 2 }, (_, id) => ({ id }));
  await folder.write({ ...BASE, version, fragments, transaction });
  return put();
};
const plainTable = () => new LanceTable(localStore(folder.root));
const segmentsIn = async () => (await plainTable().latest()).indexes.map(({ uuid }) => uuid);

describe('landed', () => {
  test('at once: one new version that holds the segment, the transaction and its file, and no hint', async () => {
    const outcome = await commitChange(plainTable(), request(), SETTINGS);
    expect(outcome).toMatchObject({
      kind: 'landed',
      version: 6,
      attempts: 1,
      conflicts: 0,
      rebased: { droppedFragments: 0 },
    });
    const latest = await plainTable().latest();
    expect(latest).toMatchObject({
      version: 6,
      writer: SETTINGS.writer,
      transactionFile: `5-${OURS}.txn`,
      transaction: { uuid: OURS, readVersion: 5, operation: 'CreateIndex', properties: new Map([['who', 'test']]) },
    });
    const [old, added] = latest.indexes;
    expect(Buffer.from(old?.raw ?? [])).toEqual(Buffer.from(request().base.indexes[0]?.raw ?? []));
    expect(added).toMatchObject({ uuid: uuidText(0xbeef), name: 'id_idx', datasetVersion: 5, files: segment.files });
    expect(Array.from(added?.fragments ?? [])).toEqual([1, 2]);
    const store = localStore(folder.root);
    const file = await store.read(`_transactions/5-${OURS}.txn`);
    expect(decodeTransactionHead(file?.content ?? new Uint8Array())).toEqual(latest.transaction);
    expect(folder.has('_versions/latest_version_hint.json')).toBe(false);
  });

  test('once, when the answer to the put was lost', async () => {
    const outcome = await commitChange(faultyTable(folder.root, [landThenFail]), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'landed', version: 6, attempts: 1 });
    expect(await folder.versions()).toEqual([5, 6]);
    expect(folder.has(FILE)).toBe(true);
  });

  test('once, when the store tried again by itself and then found our own object', async () => {
    const twice: Fault = (put) => put().then(put);
    const outcome = await commitChange(faultyTable(folder.root, [twice]), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'landed', version: 6, attempts: 1, conflicts: 0 });
    expect(folder.has(FILE)).toBe(true);
  });

  test('once, when a put that timed out lands before the next attempt looks', async () => {
    let late: (() => Promise<unknown>) | undefined;
    const { stat } = localStore(folder.root);
    const timeOut: Fault = (put) => {
      late = put;
      return Promise.reject(unavailable());
    };
    const more = {
      stat: async (key: string) => {
        if (key.startsWith('_versions/')) await late?.();
        return stat(key);
      },
    };
    const outcome = await commitChange(faultyTable(folder.root, [timeOut], { more }), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'landed', version: 6, attempts: 2 });
    expect(await folder.versions()).toEqual([5, 6]);
    expect(folder.has(FILE)).toBe(true);
  });

  test('once, when a put that timed out lands while the next one is on its way', async () => {
    let late: (() => Promise<unknown>) | undefined;
    const timeOut: Fault = (put) => {
      late = put;
      return Promise.reject(unavailable());
    };
    const overtaken: Fault = async (put) => {
      await late?.();
      return put();
    };
    const outcome = await commitChange(faultyTable(folder.root, [timeOut, overtaken]), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'landed', version: 6, attempts: 2 });
    expect(await folder.versions()).toEqual([5, 6]);
    expect(folder.has(FILE)).toBe(true);
  });

  test.each([1, 2, 4])('after %i conflicts, each on top of the version that won', async (conflicts) => {
    const table = faultyTable(
      folder.root,
      Array.from({ length: conflicts }, () => lose),
    );
    const outcome = await commitChange(table, request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'landed', conflicts, attempts: conflicts + 1, version: 6 + conflicts });
    const latest = await plainTable().latest();
    expect(latest.fragments.length).toBe(3 + conflicts);
    expect(latest.indexes.map(({ uuid }) => uuid)).toEqual([uuidText(1), uuidText(0xbeef)]);
    expect(latest.indexes[1]?.datasetVersion).toBe(5);
  });

  test('without the fragments that others took away, and the rest of them as before', async () => {
    await folder.write({ ...BASE, version: 6, fragments: [{ id: 0 }, { id: 2 }] });
    const outcome = await commitChange(plainTable(), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'landed', version: 7, rebased: { droppedFragments: 1 } });
    expect(Array.from((await plainTable().latest()).indexes[1]?.fragments ?? [])).toEqual([2]);
  });

  test('in part: segments that cannot stand any more are taken away again', async () => {
    const other = { index: 'name_idx', fieldId: 1, column: 'name', uuid: uuidText(0xdead) };
    const fallen = await uploadedSegment(folder, [1], other);
    const base = { ...BASE, indexes: [...(BASE.indexes ?? []), { uuid: 2, name: 'name_idx', fields: [1] }] };
    const change = request({ base: parseManifest(manifestFile(base)), addSegments: [fallen, segment] });
    const outcome = await commitChange(plainTable(), change, SETTINGS);
    expect(outcome).toMatchObject({ kind: 'landed', rebased: { skipped: [{ cause: 'index_dropped' }] } });
    expect([folder.has(`_indices/${uuidText(0xdead)}`), folder.has(FILE)]).toEqual([false, true]);
    expect(await segmentsIn()).toEqual([uuidText(1), uuidText(0xbeef)]);
  });

  test('with segments replaced: they leave in the same version and stand in the transaction', async () => {
    const merged = await uploadedSegment(folder, [0, 1, 2]);
    const outcome = await commitChange(
      plainTable(),
      request({ addSegments: [merged], removeSegments: [uuidText(1)] }),
      SETTINGS,
    );
    expect(outcome).toMatchObject({ kind: 'landed', version: 6 });
    expect(await segmentsIn()).toEqual([uuidText(0xbeef)]);
    const transaction = await localStore(folder.root).read(`_transactions/5-${OURS}.txn`);
    const removed = Buffer.from(request().base.indexes[0]?.raw ?? []);
    expect(Buffer.from(transaction?.content ?? []).includes(removed)).toBe(true);
  });

  test('without a transaction file, where the table does not want them', async () => {
    await folder.write({ ...BASE, writerFlags: 32n });
    const base = parseManifest(manifestFile({ ...BASE, writerFlags: 32n }));
    const outcome = await commitChange(plainTable(), request({ base }), SETTINGS);
    expect(outcome.kind).toBe('landed');
    expect(folder.has('_transactions')).toBe(false);
    expect(await plainTable().latest()).toMatchObject({ transactionFile: '', transaction: { uuid: OURS } });
  });

  test('after a version that only a listing shows, whatever a hint says', async () => {
    const table = faultyTable(folder.root, []);
    await table.latest();
    await folder.write({ ...BASE, version: 9 });
    await localStore(folder.root).put('_versions/latest_version_hint.json', Buffer.from('{"version":40}'));
    expect(await commitChange(table, request(), SETTINGS)).toMatchObject({ kind: 'landed', version: 10, conflicts: 0 });
    expect(await table.hintedVersion()).toBe(40);
  });

  test('under V1 names, where the table has them', async () => {
    folder = await tableFolder(BASE, 'V1');
    segment = await uploadedSegment(folder, [1, 2]);
    expect(await commitChange(plainTable(), request(), SETTINGS)).toMatchObject({ kind: 'landed', version: 6 });
    expect(folder.has('_versions/6.manifest')).toBe(true);
  });
});

describe('rejected, and the files are gone', () => {
  const nothingLeft = async () => {
    expect(folder.has(FILE)).toBe(false);
    expect(await segmentsIn()).not.toContain(uuidText(0xbeef));
  };

  test('and files that are still on their way are waited for: they would arrive after they were deleted', async () => {
    const done: string[] = [];
    const more = {
      put: () => Promise.reject(new SegmentdError('store_denied', 'no')),
      putIfAbsent: async (_key: string, _parts: readonly Uint8Array[], after?: Promise<unknown>) => {
        await after?.catch(() => undefined);
        // What does not wait for them is done before that.
        setImmediate(() => {
          done.push('arrived');
          arrive();
        });
        throw unavailable();
      },
      removeFolder: async () => void done.push('deleted'),
    };
    const { promise: durable, resolve: arrive } = Promise.withResolvers<void>();
    const outcome = await commitChange(faultyTable(folder.root, [], { more }), request({ durable }), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'rejected', cause: 'store_refused' });
    expect(done).toEqual(['arrived', 'deleted']);
  });

  test.each(['store_full', 'store_denied'] as const)('when the store refuses with %s', async (code) => {
    const refuse: Fault = () => Promise.reject(new SegmentdError(code, 'no'));
    const outcome = await commitChange(faultyTable(folder.root, [refuse]), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'rejected', cause: 'store_refused', error: { code }, attempts: 1 });
    expect(await folder.versions()).toEqual([5]);
    await nothingLeft();
  });

  test('when the transaction cannot be written', async () => {
    const more = { put: () => Promise.reject(unavailable()) };
    const outcome = await commitChange(faultyTable(folder.root, [], { more }), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'rejected', cause: 'store_refused', error: { code: 'store_unavailable' } });
    expect(await folder.versions()).toEqual([5]);
    await nothingLeft();
  });

  test('when the put fails before it could have been sent', async () => {
    const more = {
      putIfAbsent: async (_key: string, _parts: readonly Uint8Array[], after?: Promise<unknown>) => {
        after?.catch(() => undefined);
        throw unavailable();
      },
    };
    const outcome = await commitChange(faultyTable(folder.root, [], { more }), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'rejected', cause: 'store_refused' });
    await nothingLeft();
  });

  test('when the files cannot be made durable', async () => {
    const durable = Promise.reject(new SegmentdError('store_unavailable', 'fsync failed'));
    durable.catch(() => undefined);
    const outcome = await commitChange(plainTable(), request({ durable }), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'rejected', cause: 'store_refused', error: { message: 'fsync failed' } });
    expect(await folder.versions()).toEqual([5]);
    await nothingLeft();
  });

  test('when a cleanup takes a file between the put and the end: the commit is rolled back', async () => {
    const cleanUp: Fault = async (put) => {
      const answer = await put();
      await rm(join(folder.root, FILE));
      return answer;
    };
    const outcome = await commitChange(faultyTable(folder.root, [cleanUp]), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'rejected', cause: 'files_gone' });
    expect(await folder.versions()).toEqual([5, 6, 7]);
    expect(await segmentsIn()).toEqual([uuidText(1)]);
  });

  test('when that happens as the process ends, and the rollback meets a conflict', async () => {
    const told = new AbortController();
    const cleanUp: Fault = async (put) => {
      const answer = await put();
      await rm(join(folder.root, FILE));
      told.abort();
      return answer;
    };
    const table = faultyTable(folder.root, [cleanUp, async () => ({ outcome: 'exists' })]);
    const outcome = await commitChange(table, request(), { ...SETTINGS, signal: told.signal });
    expect(outcome).toMatchObject({ kind: 'rejected', cause: 'files_gone' });
    expect(await folder.versions()).toEqual([5, 6, 7]);
    expect(await segmentsIn()).toEqual([uuidText(1)]);
  });

  test('when every attempt meets a conflict', async () => {
    const table = faultyTable(folder.root, [lose], { repeat: true });
    const outcome = await commitChange(table, request(), { ...SETTINGS, maxAttempts: 3 });
    expect(outcome).toMatchObject({ kind: 'rejected', cause: 'contended', conflicts: 3 });
    expect(await folder.versions()).toEqual([5, 6, 7, 8]);
    await nothingLeft();
  });

  test('when the process is stopped while it waits after a conflict, at once', async () => {
    const told = new AbortController();
    // A wait that only its signal ends.
    vi.mocked(sleep).mockImplementationOnce(
      (_ms, _value, options) =>
        new Promise((_resolve, reject) => {
          options?.signal?.addEventListener('abort', () => reject(new Error('aborted')));
          told.abort();
        }),
    );
    const table = faultyTable(folder.root, [lose], { repeat: true });
    const outcome = await commitChange(table, request(), { ...SETTINGS, signal: told.signal });
    expect(outcome).toMatchObject({ kind: 'rejected', cause: 'contended', conflicts: 1 });
    await nothingLeft();
  });

  test('when another writer covers the fragments', async () => {
    await folder.write({ ...BASE, version: 6, indexes: [{ uuid: 1 }, { uuid: 9, fragments: [1, 2] }] });
    const outcome = await commitChange(plainTable(), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'rejected', cause: 'nothing_left', attempts: 1, conflicts: 0 });
    await nothingLeft();
  });

  test('when fragments turn out to be covered only after a conflict', async () => {
    const drop: Fault = async (put) => {
      await folder.write({ ...BASE, version: 6, indexes: [] });
      return put();
    };
    const outcome = await commitChange(faultyTable(folder.root, [drop]), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'rejected', cause: 'index_dropped', attempts: 2, conflicts: 1 });
    await nothingLeft();
  });

  test('when a file of the segment is gone', async () => {
    await rm(join(folder.root, FILE));
    const outcome = await commitChange(plainTable(), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'rejected', cause: 'files_gone' });
    expect(await folder.versions()).toEqual([5]);
    await nothingLeft();
  });

  test('when a file of the segment has another size', async () => {
    await writeFile(join(folder.root, FILE), 'x');
    const outcome = await commitChange(plainTable(), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'rejected', cause: 'files_gone' });
    await nothingLeft();
  });

  test('when an unclear put turns out to have been overtaken, and there is nothing left to do', async () => {
    const overtaken: Fault = async () => {
      await folder.write({ ...BASE, version: 6, indexes: [{ uuid: 1 }, { uuid: 9, fragments: [1, 2] }] });
      throw unavailable();
    };
    const outcome = await commitChange(faultyTable(folder.root, [overtaken]), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'rejected', cause: 'nothing_left', attempts: 2 });
    await nothingLeft();
  });
});

describe('unknown, and the files stay', () => {
  test('when a commit whose files a cleanup deleted cannot be rolled back', async () => {
    const cleanUp: Fault = async (put) => {
      const answer = await put();
      await rm(join(folder.root, FILE));
      return answer;
    };
    const refuse: Fault = () => Promise.reject(new SegmentdError('store_full', 'no'));
    const outcome = await commitChange(faultyTable(folder.root, [cleanUp, refuse]), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'unknown', error: { code: 'commit_unknown' } });
  });

  test('when no put is answered and the version is free each time we look', async () => {
    const table = faultyTable(folder.root, [fail], { repeat: true });
    const outcome = await commitChange(table, request(), { ...SETTINGS, maxAttempts: 3 });
    expect(outcome).toMatchObject({ kind: 'unknown', error: { code: 'store_unavailable' }, conflicts: 3 });
    expect(folder.has(FILE)).toBe(true);
  });

  test('when a put is not answered and the next one is refused', async () => {
    const refuse: Fault = () => Promise.reject(new SegmentdError('store_full', 'no'));
    const outcome = await commitChange(faultyTable(folder.root, [fail, refuse]), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'unknown', attempts: 2 });
    expect(folder.has(FILE)).toBe(true);
  });

  test('when a put is not answered and then a file is gone', async () => {
    const lookAway: Fault = async () => {
      await rm(join(folder.root, FILE));
      throw unavailable();
    };
    const other = await uploadedSegment(folder, [1], { uuid: uuidText(0xdead) });
    const table = faultyTable(folder.root, [lookAway]);
    const outcome = await commitChange(table, request({ addSegments: [segment, other] }), SETTINGS);
    expect(outcome.kind).toBe('unknown');
    expect(folder.has(`_indices/${uuidText(0xdead)}`)).toBe(true);
  });

  test.each([
    ['landed', landThenFail],
    ['did not land', fail],
  ])('when a put %s without an answer and the version cannot be read', async (_name, fault) => {
    const { read } = localStore(folder.root);
    let broken = false;
    const breaking: Fault = (put) => {
      broken = true;
      return fault(put);
    };
    const more = { read: (key: string) => (broken ? Promise.reject(unavailable()) : read(key)) };
    const outcome = await commitChange(faultyTable(folder.root, [breaking], { more }), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'unknown', error: { code: 'store_unavailable' } });
    expect(folder.has(FILE)).toBe(true);
  });

  test('when the version is taken, perhaps by us, and cannot be read for a while', async () => {
    const { read } = localStore(folder.root);
    let failures = 0;
    const twice: Fault = async (put) => {
      const answer = await put().then(put);
      failures = 3;
      return answer;
    };
    const more = { read: (key: string) => (failures-- > 0 ? Promise.reject(unavailable()) : read(key)) };
    const outcome = await commitChange(faultyTable(folder.root, [twice], { more }), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'unknown', attempts: 1 });
    expect(await segmentsIn()).toContain(uuidText(0xbeef));
    expect(folder.has(FILE)).toBe(true);
  });

  test('when a late version of ours was built upon and cleaned up before we looked', async () => {
    const { stat } = localStore(folder.root);
    let late: (() => Promise<unknown>) | undefined;
    const timeOut: Fault = (put) => {
      late = put;
      return Promise.reject(unavailable());
    };
    const cleanUp = async (land: () => Promise<unknown>) => {
      await land();
      const { indexes } = await plainTable().latest();
      await folder.write({ ...BASE, version: 7, indexes: indexes.map(({ raw }) => raw) });
      await rm(join(folder.root, '_versions', versionFileName('V2', 6)));
      await rm(join(folder.root, '_versions', versionFileName('V2', 5)));
    };
    let cleaning: Promise<void> | undefined;
    const more = {
      stat: async (key: string) => {
        if (late) cleaning ??= cleanUp(late);
        await cleaning;
        return stat(key);
      },
    };
    const outcome = await commitChange(faultyTable(folder.root, [timeOut], { more }), request(), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'unknown', attempts: 2 });
    expect(await segmentsIn()).toContain(uuidText(0xbeef));
    expect(folder.has(FILE)).toBe(true);
  });
});

test('a table that cannot be read is no outcome but an error, and the files that no version names are gone again', async () => {
  const more = { list: () => Promise.reject(unavailable()) };
  const commit = commitChange(faultyTable(folder.root, [], { more }), request(), SETTINGS);
  await expect(commit).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(folder.has(FILE)).toBe(false);
});

describe('in an object store', () => {
  /** The table after a look that found version 5, with what it asks of its store from then on. */
  async function remote(more: Partial<ObjectStore> = {}) {
    const { store, spent } = remoteLike(folder.root, more);
    const table = new LanceTable(store);
    const base = await table.latest();
    spent();
    return { table, spent, base };
  }
  const key = (version: number) => `_versions/${versionFileName('V2', version)}`;

  test('the first put needs no look before, and is proven afterwards', async () => {
    const { table, spent, base } = await remote();
    expect(await commitChange(table, request({ base }), SETTINGS)).toMatchObject({ kind: 'landed', version: 6 });
    expect(spent()).toEqual([
      // The version is created once the transaction file is there.
      ...[`create ${key(6)}`, `put _transactions/5-${OURS}.txn`],
      // Afterwards: whether its files are there, and whether it is the latest.
      ...[`stat ${FILE}`, 'list _versions'],
    ]);
    expect((await table.latest({ recent: true })).version).toBe(6);
    expect(spent()).toEqual([]);
  });

  test('after a conflict it looks, and so does one that replaces segments or was planned on an older look', async () => {
    const { table, spent, base } = await remote();
    await folder.write({ ...BASE, version: 6 });
    expect(await commitChange(table, request({ base }), SETTINGS)).toMatchObject({
      kind: 'landed',
      version: 7,
      conflicts: 1,
    });
    expect(spent().slice(0, 6)).toEqual([
      ...[`create ${key(6)}`, `put _transactions/5-${OURS}.txn`, `read ${key(6)}`],
      ...['list _versions', `read ${key(6)}`, `create ${key(7)}`],
    ]);
    const again = await remote();
    const old = parseManifest(manifestFile({ ...BASE, version: 7 }));
    segment = await uploadedSegment(folder, [2], { uuid: uuidText(0xd00d) });
    await commitChange(again.table, request({ base: old }), SETTINGS);
    expect(again.spent()[0]).toBe('list _versions');
    const replacing = await remote();
    await commitChange(replacing.table, request({ base: replacing.base, removeSegments: [uuidText(1)] }), SETTINGS);
    expect(replacing.spent()[0]).toBe('list _versions');
  });

  test('one that a cleanup let land below later versions is not taken for landed, and keeps its files', async () => {
    const { table, base } = await remote();
    await folder.write({ ...BASE, version: 9 });
    const outcome = await commitChange(table, request({ base }), SETTINGS);
    expect(outcome).toMatchObject({ kind: 'unknown', error: { code: 'commit_unknown' } });
    expect(folder.has(FILE)).toBe(true);
    expect((await table.latest()).version).toBe(9);
  });

  test('one that others have built upon has landed', async () => {
    const putIfAbsent: ObjectStore['putIfAbsent'] = async (...args) => {
      const put = await localStore(folder.root).putIfAbsent(...args);
      const ours = { uuid: 0xbeef, fragments: [1, 2] };
      await folder.write({ ...BASE, version: 7, indexes: [...(BASE.indexes ?? []), ours] });
      return put;
    };
    const { table, base } = await remote({ putIfAbsent });
    expect(await commitChange(table, request({ base }), SETTINGS)).toMatchObject({ kind: 'landed', version: 6 });
  });

  test('files that vanish are found afterwards, and the segment is taken out again', async () => {
    const putIfAbsent: ObjectStore['putIfAbsent'] = async (...args) => {
      const put = await localStore(folder.root).putIfAbsent(...args);
      await rm(join(folder.root, FILE), { force: true });
      return put;
    };
    const { table, base } = await remote({ putIfAbsent });
    expect(await commitChange(table, request({ base }), SETTINGS)).toMatchObject({
      kind: 'rejected',
      cause: 'files_gone',
    });
    expect(await segmentsIn()).toEqual([uuidText(1)]);
  });

  test('a commit that looks first waits for files that are on their way', async () => {
    await rm(join(folder.root, FILE));
    const { store } = remoteLike(folder.root);
    const { promise, resolve } = Promise.withResolvers<void>();
    const landing = commitChange(new LanceTable(store), request({ durable: promise }), SETTINGS);
    await new Promise((turn) => setImmediate(turn));
    await writeFile(join(folder.root, FILE), 'xyz');
    resolve();
    expect(await landing).toMatchObject({ kind: 'landed', version: 6 });
  });
});
