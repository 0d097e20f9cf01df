import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askedTable, refuseMissing } from '../../../../src/commands/daemons/configured-table.ts';
import { invocation } from '../../../../src/commands/terminal/io.ts';
import { segmentd } from '../../../../testing/cli.ts';
import { tempDir } from '../../../../testing/temp-dir.ts';
import { tableFolder } from '../../lance/table-fixture.ts';

/** A configuration of the database `lake` in `./data` with the table `events`, and `far` in a folder that is not there. No broker answers. */
async function home() {
  const cwd = await tempDir();
  const file = join(cwd, 'x.yaml');
  const kafka = '{brokers: ["127.0.0.1:1"], control_topic: control}';
  await writeFile(file, `databases: {lake: ./data, far: ./nowhere/db}\nkafka: ${kafka}\n`);
  await mkdir(join(cwd, 'data'));
  await rename((await tableFolder({ fragments: [{ id: 0 }] })).root, join(cwd, 'data', 'events.lance'));
  let warned = '';
  const io = invocation({
    stdout: { write: () => undefined },
    stderr: { write: (text) => (warned += text) },
    cwd,
    env: {},
    onInterrupt: () => () => undefined,
  });
  return { cwd, file, io, warned: () => warned };
}

test('a table is named as for every other command: by its name, and by any path to it', async () => {
  const { cwd, file, io } = await home();
  const place = join(cwd, 'data', 'events.lance');
  for (const given of [
    'lake/events',
    'data/events.lance',
    './data/events.lance',
    'data/../data/events.lance/',
    place,
  ]) {
    const { table } = askedTable(io, given, { file, isNameEnough: false });
    expect([given, table]).toEqual([given, { id: 'lake/events', database: 'lake', name: 'events', uri: place }]);
  }
  for (const [given, code] of [
    ['lake/events.lance', 'event_table_outside'],
    ['data/events', 'event_database_unknown'],
    ['../events.lance', 'event_table_outside'],
  ] as const)
    expect(() => askedTable(io, given, { file, isNameEnough: false })).toThrow(expect.objectContaining({ code }));
});

test('without a configuration a name may be enough, and a path never is', async () => {
  const { io } = await home();
  const asked = askedTable(io, 'db/t', { file: undefined, isNameEnough: true });
  expect([asked.table.id, asked.isPlaceKnown]).toEqual(['db/t', false]);
  for (const given of ['data/events.lance', '/data/events.lance', 's3://b/t.lance']) {
    const refused = expect.objectContaining({ code: 'usage', message: expect.stringContaining('give -c') });
    expect(() => askedTable(io, given, { file: undefined, isNameEnough: true })).toThrow(refused);
  }
});

test('a table that is missing is refused, and one that cannot be seen from here is warned of', async () => {
  const { file, io, warned } = await home();
  const look = (given: string) =>
    refuseMissing(io, askedTable(io, given, { file, isNameEnough: false }), { timeoutMs: 60_000, hint: 'Check it.' });
  await look('lake/events');
  expect(warned()).toBe('');
  const refused = { code: 'event_table_not_found', message: 'there is no table lake/evnets', hint: 'Check it.' };
  await expect(look('lake/evnets')).rejects.toMatchObject(refused);
  await look('far/events');
  expect(warned()).toMatch(/^warning: it is not known whether there is a table far\/events: /);
});

test.each([
  ['pause', '--force pauses'],
  ['resume', '--force resumes'],
  ['refresh', 'Check the name'],
  ['announce', '--force announces'],
])('%s of a table that is missing ends before a broker is asked', async (command, hint) => {
  const { file } = await home();
  const { code, stderr } = await segmentd([command, 'lake/evnets', '-c', file]);
  expect([code, stderr]).toEqual([65, expect.stringContaining('event_table_not_found: there is no table lake/evnets')]);
  expect(stderr).toContain(hint);
});

test.each(['pause', 'resume', 'announce'])('%s --force does not look', async (command) => {
  const { file } = await home();
  const { code, stderr } = await segmentd([command, 'lake/evnets', '-c', file, '--force', '--timeout', '100ms']);
  expect([code, stderr]).toEqual([69, expect.stringContaining('broker_unavailable')]);
});
