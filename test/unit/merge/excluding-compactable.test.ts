/** Merges beside compactions of others that keep losing to segmentd. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import type { ManifestSpec } from '../lance/manifest-fixture.ts';
import { message, uuidText } from '../lance/manifest-fixture.ts';
import { merging, WAIT } from './merging-fixture.ts';

const QUIET_MS = 40;
const OURS = ['segmentd', '0.0.0'] as const;
const THEIRS = ['lance', '12.0.0'] as const;

/** A version made just now of a table with three segments over two small fragments each: what others may be compacting. */
function tail(version: number, maxFragmentId: number, more: ManifestSpec = {}): ManifestSpec {
  const fields = [
    [7, message([1, Math.floor(Date.now() / 1000)])],
    [11, maxFragmentId],
  ] as const;
  const fragments = [0, 1, 2, 3, 4, 5].map((id) => ({ id }));
  const indexes = [0, 1, 2].map((at) => ({ uuid: at + 1, fragments: [2 * at, 2 * at + 1] }));
  return { version, fragments, indexes, more: fields, ...more };
}

const reserved = (readVersion: number) => ({
  writer: THEIRS,
  transaction: message([1, readVersion], [2, 'theirs'], [107, message([1, 1])]),
});

/** Compactions that set a fragment id aside and lost to a commit of segmentd. */
async function afterLosses(losses: 1 | 2) {
  const it = await merging({ a: tail(1, 5) });
  await it.folders.a?.write(tail(2, 6, reserved(1)));
  await it.folders.a?.write(tail(3, 6, { writer: OURS }));
  if (losses === 1) return it;
  await it.folders.a?.write(tail(4, 7, reserved(3)));
  await it.folders.a?.write(tail(5, 7, { writer: OURS }));
  return it;
}

test('one lost compaction holds up nothing', async () => {
  const it = await afterLosses(1);
  it.covered('a');
  await vi.waitFor(
    () => expect(it.notices).toMatchObject([{ segments: [{ replaced: [1, 2, 3].map(uuidText) }] }]),
    WAIT,
  );
  await it.end();
});

test('after two in a row the tail is left alone, while what is appended is merged as it comes', async () => {
  const it = await afterLosses(2);
  it.covered('a');
  await vi.waitFor(() => expect(it.lines('mergesPlanned')).toMatchObject([{ pending: 1 }]), WAIT);
  await sleep(QUIET_MS);
  expect(it.builder.builds).toEqual([]);
  const { fragments = [], indexes = [], ...rest } = tail(6, 10, { writer: OURS });
  const fresh = [8, 9, 10];
  await it.folders.a?.write({
    ...rest,
    fragments: [...fragments, ...fresh.map((id) => ({ id }))],
    indexes: [...indexes, ...fresh.map((id) => ({ uuid: id, fragments: [id] }))],
  });
  it.covered('a');
  await vi.waitFor(() => expect(it.notices).toMatchObject([{ segments: [{ replaced: fresh.map(uuidText) }] }]), WAIT);
  await sleep(QUIET_MS);
  expect(it.builder.builds).toEqual(['a']);
  await it.end();
});

test('a table that is covered often while its tail is left alone has one timer', async () => {
  const timers = vi.spyOn(globalThis, 'setTimeout');
  const it = await afterLosses(2);
  const looks = () => it.lines('mergesPlanned').length;
  for (let at = 1; at <= 5; at++) {
    it.covered('a');
    await vi.waitFor(() => expect(looks()).toBe(at), WAIT);
    await sleep(5);
  }
  const long = timers.mock.calls.filter(([, ms]) => Number(ms) > 10_000);
  timers.mockRestore();
  expect(long).toHaveLength(1);
  await it.end();
});

test('a single fragment of which more than a tenth is deleted is compacted by itself, and left alone as well', async () => {
  for (const [deleted, builds] of [
    [13, ['a']],
    [14, []],
  ] as const) {
    const it = await afterLosses(2);
    const single = {
      fragments: [{ id: 0, rows: 130, deleted }, { id: 1 }, { id: 2 }],
      indexes: [0, 1, 2].map((id) => ({ uuid: id + 1, fragments: [id] })),
      ...{ readerFlags: 1n, writerFlags: 1n },
    };
    await it.folders.a?.write(tail(6, 7, { writer: OURS, ...single }));
    it.covered('a');
    await vi.waitFor(() => expect(it.lines('mergesPlanned')[0]).toMatchObject({ pending: 1 }), WAIT);
    await sleep(QUIET_MS);
    expect(it.builder.builds).toEqual(builds);
    await it.end();
  }
});
