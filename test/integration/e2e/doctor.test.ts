import { readdir, writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { examined as schema } from '../../../scripts/command-schemas.ts';
import { segmentd, startSegmentd } from '../../../testing/cli.ts';
import { expectAnswer } from './answer-schemas.ts';
import { makeTable, makeWorld, until } from './world.ts';

type Check = { check: string; outcome: string; code: string | null; message: string };

async function examined(configFile: string, env: Record<string, string> = {}) {
  const { code, stdout } = await segmentd(['doctor', '-c', configFile, '--json'], env);
  expectAnswer(JSON.parse(stdout), schema);
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Check[] };
  return { code, ok, checks, bad: checks.filter(({ outcome }) => outcome !== 'ok') };
}

test('where all is there, each thing that run needs has a line that says ok, and nothing is left behind', async () => {
  const world = await makeWorld({ admin: { port: 0, token: 'letmein-0123456789' } });
  await makeTable(world, 'people', 10);
  const { code, ok, checks, bad } = await examined(world.configFile);
  expect([code, ok, bad]).toEqual([0, true, []]);
  expect(checks.map(({ check }) => check)).toEqual([
    ...['versions', 'config', 'broker', 'topics', 'store db', 'scratch', 'listener http', 'listener admin'],
    ...['conditional put db', 'clock'],
  ]);
  const { stdout } = await segmentd(['doctor', '-c', world.configFile], { FORCE_COLOR: '', NO_COLOR: '' });
  expect(stdout.split('\n').filter((line) => /^ok {7}/.test(line))).toHaveLength(10);
  expect(await readdir(world.database)).toEqual(['people.lance']);
});

test('what is wrong has its code and what to do, and the exit code is that of the first error', async () => {
  const world = await makeWorld({}, 0);
  const { code, ok, bad } = await examined(world.configFile);
  expect([code, ok]).toEqual([69, false]);
  expect(bad).toMatchObject([
    { check: 'topics', outcome: 'error', code: 'kafka_topic_missing' },
    { check: 'topics', outcome: 'error', code: 'kafka_topic_missing' },
  ]);
  const { stdout } = await segmentd(['doctor', '-c', world.configFile]);
  expect(stdout).toMatch(/^error {4}topics .*\n {9}Create the topic/m);

  const gone = await examined(world.configFile, {
    SEGMENTD_KAFKA_BROKERS: '127.0.0.1:1',
    SEGMENTD_KAFKA_CONNECTION_TIMEOUT_MS: '100',
  });
  expect([gone.code, gone.bad]).toMatchObject([69, [{ check: 'broker', code: 'broker_unavailable' }]]);
});

test('topics that are still to be created, and a daemon that runs with the configuration, are told and no fault', async () => {
  const world = await makeWorld({ admin: { port: 0, token: 'letmein-0123456789' } }, 0);
  const env = { SEGMENTD_KAFKA_CREATE_TOPICS_ENABLED: 'true' };
  const messageOf = (checks: readonly Check[], name: string) => checks.find(({ check }) => check === name)?.message;
  const before = await examined(world.configFile, env);
  expect([before.code, before.bad]).toEqual([0, []]);
  expect(messageOf(before.checks, 'topics')).toBe(
    `not there yet, created when segmentd starts: ${world.settings.topic}, ${world.settings.deadLetterTopic}`,
  );
  const running = startSegmentd(['run', '-c', world.configFile], { env });
  onTestFinished(() => running.interrupt());
  await until('it has started', () => running.stdout().includes('"event":"started"'));
  const beside = await examined(world.configFile, env);
  expect([beside.code, beside.bad]).toEqual([0, []]);
  expect(messageOf(beside.checks, 'listener http')).toMatch(/^a segmentd answers at 127\.0\.0\.1:\d+;/);
  running.interrupt();
  await running.done;
});

test('a database that is missing is a warning, and a configuration that is not fit is an error of its own', async () => {
  const world = await makeWorld({ databases: { db: '/nowhere/at/all' } });
  expect(await examined(world.configFile)).toMatchObject({
    code: 0,
    bad: [{ check: 'store db', outcome: 'warning', code: 'database_not_found' }],
  });
  await writeFile(world.configFile, 'databases: {}\nhttp: {port: many}\n');
  expect(await examined(world.configFile)).toMatchObject({
    code: 78,
    bad: [{ check: 'config', code: 'config_invalid' }],
  });
});
