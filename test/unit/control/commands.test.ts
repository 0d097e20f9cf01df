import { expect, test } from 'vitest';
import { createControl, parseCommand } from '../../../src/control/commands.ts';
import { createPauses } from '../../../src/control/pauses.ts';
import { tableRef } from '../stages/context-fixture.ts';

function control() {
  const refreshed: string[] = [];
  const pauses = createPauses();
  const it = createControl({
    resolve: (address) => tableRef(address.replace('lake/', '')),
    pauses,
    refresh: ({ id }) => refreshed.push(id),
    status: () => ({ version: 7 }),
  });
  return { it, pauses, refreshed };
}

test('a table is paused and resumed as often as somebody says so, and each answer tells', () => {
  const { it, pauses } = control();
  for (const [command, paused] of [
    ['pause', true],
    ['pause', true],
    ['status', true],
    ['resume', false],
    ['resume', false],
  ] as const) {
    expect(it.run(command, 'lake/t')).toEqual({ table: 'lake/t', paused, version: 7 });
    expect(pauses.isPaused('lake/t')).toBe(paused);
  }
});

test('refresh looks at the table, and nothing else does', () => {
  const { it, refreshed } = control();
  for (const command of ['pause', 'resume', 'status', 'refresh'] as const) it.run(command, 'lake/t');
  expect(refreshed).toEqual(['lake/t']);
});

const bytes = (text: string) => new TextEncoder().encode(text);

test('a command is a JSON object with a command and a table, and nothing else', () => {
  expect(parseCommand(bytes('{"command":"pause","table":"lake/t"}'))).toEqual({ command: 'pause', table: 'lake/t' });
});

test.each([
  [null, 'event_not_json'],
  [bytes('{'), 'event_not_json'],
  [new Uint8Array([0xff]), 'event_not_json'],
  [bytes('[]'), 'event_invalid'],
  [bytes('{"command":"drop","table":"lake/t"}'), 'event_invalid'],
  [bytes('{"command":"pause"}'), 'event_invalid'],
  [bytes('{"command":"pause","table":"lake/t","force":true}'), 'event_invalid'],
])('%s is refused as %s', (value, code) => {
  expect(() => parseCommand(value)).toThrow(expect.objectContaining({ code }));
});
