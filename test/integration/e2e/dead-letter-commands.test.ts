import { expect, test } from 'vitest';
import { letters as listed, replayed, oneLetter as shown } from '../../../scripts/command-schemas.ts';
import { segmentd } from '../../../testing/cli.ts';
import { expectAnswer } from './answer-schemas.ts';
import { readTopic } from './read-topic.ts';
import { makeTable, makeWorld, until } from './world.ts';

const record = (key: string | null, value: string, headers: [string, string][] = []) => ({
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(value),
  headers: new Map(headers),
});

test('dead letters are listed, shown and replayed once, as the records that they were', async () => {
  const world = await makeWorld();
  await makeTable(world, 'people', 10);
  const daemon = await world.daemon();
  const letters = async (...args: string[]) => {
    const { code, stdout } = await segmentd(['dead-letters', ...args, '-c', world.configFile, '--json']);
    expectAnswer(JSON.parse(stdout), listed, shown, replayed);
    return { exit: code, ...JSON.parse(stdout) };
  };
  expect(await letters('list')).toMatchObject({ exit: 0, found: 0, dead_letters: [] });
  await world.producer.send(world.settings.topic, [
    record('db/people', '{"table": "db/people", "version": "soon"}', [['trace', 'abc']]),
    record(null, 'no JSON \u001b[2J'),
  ]);
  await until('both are dead', async () => (await letters('list')).found === 2);
  expect(await daemon.stop()).toBe(0);

  const { dead_letters: all } = await letters('list');
  type Listed = { position: string; code: string };
  const invalid = (all as Listed[]).find(({ code }) => code === 'event_invalid') as Listed;
  expect(invalid).toMatchObject({
    ...{ table: 'db/people', replayed: false, cannot_replay: null },
    source: { topic: world.settings.topic, offset: expect.any(String) },
  });
  const words = await segmentd(['dead-letters', 'list', '-c', world.configFile, '--limit', '1']);
  expect(words.stdout).toContain('2 dead letters, without the 1 oldest\n');
  expect(await letters('show', invalid.position)).toMatchObject({
    ...{ key: 'db/people', value: '{"table": "db/people", "version": "soon"}', headers: { trace: 'abc' } },
  });
  const other = (all as Listed[]).find(({ code }) => code === 'event_not_json') as Listed;
  const inFull = await segmentd(['dead-letters', 'show', other.position, '-c', world.configFile]);
  expect(inFull.stdout).toContain('value:\nno JSON \\u001b[2J\n');

  const filters: [string[], number][] = [
    [['--table', world.tableFolder('people')], 1],
    [['--code', 'event_not_json', 'event_invalid'], 2],
    [['--since', '1h'], 2],
    [['--until', '2020-01-01T00:00:00Z'], 0],
    [['--position', other.position], 1],
  ];
  for (const [filter, found] of filters)
    expect([filter, (await letters('list', ...filter)).found]).toEqual([filter, found]);

  expect(await letters('replay', '--code', 'event_invalid', '--dry-run')).toMatchObject({
    dry_run: true,
    replayed: [invalid.position],
  });
  expect(await letters('replay', '--code', 'event_invalid')).toMatchObject({
    replayed: [invalid.position],
    before: 0,
    cannot: [],
  });
  const sent = await readTopic(world.settings, world.settings.topic, 2, ({ key }) => key !== null);
  expect(sent.map(({ key, value, headers, partition }) => [String(key), String(value), headers, partition])).toEqual(
    Array(2).fill(['db/people', '{"table": "db/people", "version": "soon"}', { trace: 'abc' }, sent[0]?.partition]),
  );
  // What is not there is refused, before anything is sent.
  const nothing = await segmentd([
    'dead-letters',
    'replay',
    '--position',
    other.position,
    '0:99',
    '-c',
    world.configFile,
  ]);
  expect(nothing).toMatchObject({
    code: 64,
    stdout: '',
    stderr: expect.stringContaining('has no dead letter at 0:99'),
  });
  for (const command of ['list', 'replay']) {
    const unknown = await segmentd(['dead-letters', command, '--code', 'event_notjson', '-c', world.configFile]);
    expect(unknown).toMatchObject({ code: 64, stderr: expect.stringContaining('no error has the code event_notjson') });
  }
  // Once for each letter, on whichever host; the mark is no dead letter.
  expect(await letters('replay', '--all')).toMatchObject({ replayed: [other.position], before: 1 });
  expect(await letters('replay', '--all')).toMatchObject({ replayed: [], before: 2 });
  expect((await letters('list')).dead_letters).toMatchObject([{ replayed: true }, { replayed: true }]);
  expect(await letters('replay', '--all', '--again')).toMatchObject({
    replayed: expect.arrayContaining([invalid.position]),
    before: 0,
  });
});

test('a replay wants to know which letters', async () => {
  expect(await segmentd(['dead-letters', 'replay'])).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('a filter or --all'),
  });
  expect((await segmentd(['dead-letters', 'replay', '--all', '--since', '1h'])).code).toBe(64);
  for (const wrong of ['17', 'a:b']) expect((await segmentd(['dead-letters', 'show', wrong])).code).toBe(64);
});
