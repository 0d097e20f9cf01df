import { Subject } from 'rxjs';
import { expect, test, vi } from 'vitest';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';
import type { PendingEvent } from '../../../src/model.ts';
import { observeHeld } from '../../../src/stages/held-tables.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { tableFolder } from '../lance/table-fixture.ts';
import { passing, pendingEvent, testContext } from './context-fixture.ts';

const WAIT = { timeout: 60_000 };
const notFound = () => new SegmentdError('table_not_found', 'gone');
const FRAGMENTS = [0, 1, 2].map((id) => ({ id }));

async function held(hold: 'paused' | 'retrying' | 'none', read?: () => Promise<never>) {
  const folder = await tableFolder({ version: 3, fragments: FRAGMENTS, indexes: [{ uuid: 1, fragments: [0] }] });
  const table = new LanceTable(localStore(folder.root));
  if (read) table.latest = read;
  const context = testContext({ table });
  if (hold === 'paused') context.pauses.pause('lake/t', 'me');
  if (hold === 'retrying') context.states.failed('lake/t', passing(), 1_000);
  const events = new Subject<PendingEvent>();
  const passed: PendingEvent[] = [];
  const failed: unknown[] = [];
  events.pipe(observeHeld(context)).subscribe({ next: (it) => passed.push(it), error: (it) => failed.push(it) });
  return { context, events, passed, failed, folder };
}

test.each(['paused', 'retrying'] as const)(
  'a %s table is looked at with each event, and what it misses is told',
  async (hold) => {
    const { context, events, passed, folder } = await held(hold);
    const event = pendingEvent(0);
    events.next(event);
    expect(passed).toEqual([event]);
    await vi.waitFor(() => expect(context.states.of('lake/t').missing_fragments).toBe(2), WAIT);
    expect(context.states.of('lake/t')).toMatchObject({ state: hold, version: 3, covered_version: null });
    await folder.write({ version: 4, fragments: [...FRAGMENTS, { id: 3 }], indexes: [{ uuid: 1, fragments: [0] }] });
    events.next(pendingEvent(1));
    await vi.waitFor(() => expect(context.states.of('lake/t').missing_fragments).toBe(3), WAIT);
    expect(context.lines.filter(({ event: name }) => name === 'planned')).toMatchObject([
      { outcome: 'held', version: 3 },
      { outcome: 'held', version: 4 },
    ]);
  },
);

test('a table that is served is left to its batches', async () => {
  const { context, events, passed } = await held('none', () => Promise.reject(new Error('read')));
  events.next(pendingEvent(0));
  expect([passed.length, context.lines]).toEqual([1, []]);
});

test('events that come during a read lead to one more read, however many they are', async () => {
  const gate = Promise.withResolvers<never>();
  const read = vi.fn(() => gate.promise);
  const { context, events } = await held('paused', read);
  for (let at = 0; at < 9; at++) events.next(pendingEvent(at));
  gate.reject(passing());
  await vi.waitFor(() => expect(read).toHaveBeenCalledTimes(2), WAIT);
  await new Promise((resolve) => setImmediate(resolve));
  expect(read).toHaveBeenCalledTimes(2);
  expect(context.lines).toEqual([]);
});

test.each([
  ['paused', ['lake/t']],
  ['retrying', []],
] as const)('a %s table that is gone is forgotten, and a pause stays', async (hold, listed) => {
  const { context, events, failed } = await held(hold, () => Promise.reject(notFound()));
  context.states.observed('lake/t', 3, []);
  events.next(pendingEvent(0));
  await vi.waitFor(() => expect(context.lines.map(({ event }) => event)).toEqual(['tableGone']), WAIT);
  expect(context.states.all().map(({ table }) => table)).toEqual(listed);
  expect([context.states.of('lake/t').version, context.states.retrying, failed]).toEqual([null, 0, []]);
});

test('of a held table that is declined nothing is told that was known before', async () => {
  const { context, events, folder } = await held('paused');
  events.next(pendingEvent(0));
  await vi.waitFor(() => expect(context.states.of('lake/t').missing_fragments).toBe(2), WAIT);
  await folder.write({
    version: 4,
    fragments: FRAGMENTS,
    indexes: [{ uuid: 1, fragments: [0] }],
    readerFlags: 1n << 40n,
  });
  events.next(pendingEvent(1));
  await vi.waitFor(() => expect(context.states.of('lake/t').state).toBe('declined'), WAIT);
  expect(context.states.of('lake/t')).toMatchObject({
    version: 4,
    missing_fragments: null,
    coverage: null,
    indexes: [],
  });
});

test('a held table that cannot be served is declined, one that is gone is not, and a bug ends it all', async () => {
  const unreadable = new SegmentdError('table_unreadable', 'damaged');
  const declined = await held('paused', () => Promise.reject(unreadable));
  declined.events.next(pendingEvent(0));
  await vi.waitFor(() => expect(declined.context.states.of('lake/t').state).toBe('declined'), WAIT);
  const gone = await held('paused', () => Promise.reject(notFound()));
  gone.events.next(pendingEvent(0));
  const bug = new TypeError('bug');
  const broken = await held('paused', () => Promise.reject(bug));
  broken.events.next(pendingEvent(0));
  await vi.waitFor(() => expect(broken.failed).toEqual([bug]), WAIT);
  expect([gone.context.states.of('lake/t').state, gone.failed]).toEqual(['paused', []]);
});
