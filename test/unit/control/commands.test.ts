import { expect, test } from 'vitest';
import { commandMs, createControl, encodeCommand, parseCommand } from '../../../src/control/commands.ts';
import { createPauses } from '../../../src/control/pauses.ts';
import { tableRef } from '../stages/context-fixture.ts';

const NOTHING = {
  ...{ state: 'served' as const, pause: null, version: 7, covered_version: null, missing_fragments: 0, segments: 0 },
  ...{ declined: null, held_rows: 0, left_alone: [], failure: null, rows: null, coverage: null, lag_seconds: null },
  ...{ observed_at: null, indexes: [], last_change: null, docs: null },
  self_check: null,
};

function control() {
  const refreshed: string[] = [];
  const told: string[] = [];
  const pauses = createPauses();
  const it = createControl({
    resolve: (address) => tableRef(address.replace('lake/', '')),
    pauses,
    telemetry: {
      tablePaused: ({ table, by }) => told.push(`paused ${table} by ${by}`),
      tableResumed: ({ table, by }) => told.push(`resumed ${table} by ${by}`),
    },
    begin: async () => {
      throw new Error('no work is begun here');
    },
    refresh: ({ id }) => refreshed.push(id),
    status: (table) => ({ ...NOTHING, table }),
  });
  return { it, pauses, refreshed, told };
}

test('a table may be paused and resumed repeatedly; each answer has its state, and each change is logged once', () => {
  const { it, pauses, told } = control();
  for (const [command, paused] of [
    ['pause', true],
    ['pause', true],
    ['status', true],
    ['resume', false],
    ['resume', false],
  ] as const) {
    expect(it.run(command, tableRef('t'), 'me')).toMatchObject({ table: 'lake/t', paused, version: 7 });
    expect(pauses.isPaused('lake/t')).toBe(paused);
  }
  expect(told).toEqual(['paused lake/t by me', 'resumed lake/t by me']);
});

test('a pause begins at the time of its command, if that is known', () => {
  const { it, pauses } = control();
  it.run('pause', tableRef('t'), 'me', 5);
  expect(pauses.of('lake/t')).toMatchObject({ sinceMs: 5 });
});

test('refresh plans the table, and no other command does', () => {
  const { it, refreshed } = control();
  for (const command of ['pause', 'resume', 'status', 'refresh'] as const) it.run(command, tableRef('t'), 'me');
  expect(refreshed).toEqual(['lake/t']);
});

test('a command can be read back from its record; only a pause and a resume replace each other in a compacted topic', () => {
  const pause = { command: 'pause', table: 'lake/t', by: 'me', time: '2026-03-01T09:00:00.000Z' } as const;
  const merge = { ...pause, command: 'merge', to: 3 } as const;
  const others = (['resume', 'refresh', 'optimize'] as const).map((command) => ({ ...pause, command }));
  const records = [pause, merge, ...others].map(encodeCommand);
  expect(records.map(({ value }) => parseCommand(value))).toEqual([pause, merge, ...others]);
  expect(records.map(({ key }) => String(key))).toEqual([
    ...['lake/t', 'merge lake/t', 'lake/t', 'refresh lake/t', 'optimize lake/t'],
  ]);
});

const bytes = (text: string) => new TextEncoder().encode(text);

test('a command is a JSON object with a command and a table, and nothing else', () => {
  expect(parseCommand(bytes('{"command":"pause","table":"lake/t"}'))).toEqual({ command: 'pause', table: 'lake/t' });
});

test('a command counts from its own time, else from that of its record, if there is one', () => {
  expect(commandMs('2026-03-01T10:00:00+01:00', '7')).toBe(Date.parse('2026-03-01T09:00:00Z'));
  expect([commandMs(undefined, '7'), commandMs(undefined, '0'), commandMs(undefined, '-1')]).toEqual([
    7,
    undefined,
    undefined,
  ]);
});

test.each([
  [null, 'event_not_json'],
  [bytes('{'), 'event_not_json'],
  [new Uint8Array([0xff]), 'event_not_json'],
  [bytes('[]'), 'event_invalid'],
  [bytes('{"command":"drop","table":"lake/t"}'), 'event_invalid'],
  [bytes('{"command":"pause"}'), 'event_invalid'],
  [bytes('{"command":"pause","table":"lake/t","force":true}'), 'event_invalid'],
  [bytes('{"command":"pause","table":"lake/t","time":"yesterday"}'), 'event_invalid'],
  [bytes('{"command":"merge","table":"lake/t","to":0}'), 'event_invalid'],
  [bytes('{"command":"pause","table":"lake/t","time":"2026-03-01T09:00:00"}'), 'event_invalid'],
])('%s is refused as %s', (value, code) => {
  expect(() => parseCommand(value)).toThrow(expect.objectContaining({ code }));
});
