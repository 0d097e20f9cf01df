/** Runs the snippets of docs/producers.md as they stand there, but for the addresses. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { decodeRecord } from '../../../src/events/append-event.ts';
import { partitionOf } from '../../../src/kafka/partition-of.ts';
import { install } from '../../../testing/broker/jars.ts';
import { docSnippet } from '../../../testing/doc-snippet.ts';
import { findPylance, PYLANCE_VERSIONS } from '../../../testing/pylance.ts';
import { PYTHON, pythonPackage } from '../../../testing/python-package.ts';
import { readTopic } from './read-topic.ts';
import type { World } from './world.ts';
import { makeTable, makeWorld, openTable } from './world.ts';

const run = promisify(execFile);
const CONFLUENT_KAFKA = '2.16.1';
const PARTITIONS = 7;

/** The addresses of the page, and what stands for them in a world. */
const addresses = (world: World) => ({
  broker: { 'localhost:9092': world.settings.brokers.join() },
  topic: { 'segmentd.append-events': world.settings.topic },
  database: { '/data/demo': world.database },
});

/** What the first record says; its key has put it where every other client would. */
async function announced(world: World): Promise<object> {
  const [record] = await readTopic(world.settings, world.settings.topic, 1);
  expect(String(record?.key)).toBe('demo/events');
  expect(record?.partition).toBe(partitionOf('demo/events', PARTITIONS));
  return eventIn(world, record?.value ?? null);
}

function eventIn(world: World, value: Uint8Array | null): object {
  const events = decodeRecord(new Map([['demo', world.database]]), { value, headers: new Map() });
  return events.map(({ table, ...rest }) => ({ table: table.id, ...rest }))[0] ?? {};
}

/** Says that a check was not made; with CI=true that is an error. */
function notChecked(why: string): void {
  if (process.env.CI === 'true') throw new Error(why);
  process.stderr.write(`NOT CHECKED: ${why}\n`);
}

async function runPython(world: World, packages: readonly string[], script: string): Promise<void> {
  const path = join(world.home, 'snippet.py');
  await writeFile(path, script);
  await run(PYTHON, [path], { env: { ...process.env, PYTHONPATH: packages.join(':'), PYTHONDONTWRITEBYTECODE: '1' } });
}

test('Python appends and announces', async () => {
  const pylance = await findPylance(PYLANCE_VERSIONS.newest);
  if (!pylance) return;
  const world = await makeWorld({}, PARTITIONS);
  await makeTable(world, 'events', 10);
  const { broker, topic, database } = addresses(world);
  const snippet = docSnippet('producers.md', 'Python', { ...broker, ...topic, ...database });
  const use = 'import pyarrow\nappend("events", pyarrow.table({"id": [10, 11], "name": ["x", "y"]}))\n';
  const packages = [pylance.env.PYTHONPATH ?? '', await pythonPackage('confluent-kafka', CONFLUENT_KAFKA)];
  await runPython(world, packages, `${snippet}\n${use}`);
  const table = await openTable(world.database, 'events');
  expect(await table.countRows()).toBe(12);
  expect(await announced(world)).toEqual({ table: 'demo/events', version: await table.version() });
});

/** What the snippet asks of Spark; a batch is there at once. */
const STAND_IN_FOR_SPARK = `
class Frame:
    def __init__(self):
        self.write = self
        self.asked = []

    def format(self, name):
        self.asked.append(name)
        return self

    def mode(self, name):
        self.asked.append(name)
        return self

    def save(self, path):
        print(*self.asked, path)


class Stream:
    def __init__(self):
        self.writeStream = self

    def foreachBatch(self, body):
        self.body = body
        return self

    def start(self):
        self.body(Frame(), 0)


stream = Stream()
`;

test('Spark appends each batch and announces it', async () => {
  const packages = await pythonPackage('confluent-kafka', CONFLUENT_KAFKA).catch((cause: unknown) =>
    notChecked(`the Spark snippet needs Python with pip: ${cause}`),
  );
  if (!packages) return;
  const world = await makeWorld({}, PARTITIONS);
  const { broker, topic } = addresses(world);
  const snippet = docSnippet('producers.md', 'Spark', { ...broker, ...topic });
  const path = join(world.home, 'spark.py');
  await writeFile(path, `${STAND_IN_FOR_SPARK}\n${snippet}`);
  const { stdout } = await run(PYTHON, [path], { env: { ...process.env, PYTHONPATH: packages } });
  expect(stdout.trim()).toBe('lance append /data/demo/events.lance');
  expect(await announced(world)).toEqual({ table: 'demo/events' });
});

test('Java announces', async () => {
  const { java, classpath } = await install(() => undefined);
  const { stdout: modules } = await run(java, ['--list-modules']);
  if (!modules.includes('jdk.compiler')) return notChecked('the Java snippet needs a JDK: this Java has no compiler');
  const world = await makeWorld({}, PARTITIONS);
  const { broker, topic } = addresses(world);
  const path = join(world.home, 'Announce.java');
  await writeFile(path, docSnippet('producers.md', 'Java', { ...broker, ...topic }));
  await run(java, ['-cp', classpath, path, 'demo/events', '12']);
  expect(await announced(world)).toEqual({ table: 'demo/events', version: 12 });
});

/** Prints what it is called with and what it is given, in the place of a program that is not there. */
const PRINTING = (name: string) => `${name}() { printf '%s\\n' "$@"; echo --; cat; }\n`;

test('kcat announces', async () => {
  const world = await makeWorld({}, PARTITIONS);
  const { broker, topic } = addresses(world);
  const snippet = docSnippet('producers.md', 'kcat', { ...broker, ...topic });
  const isThere = await run('kcat', ['-V']).then(
    () => true,
    () => false,
  );
  if (isThere) {
    await run('sh', ['-c', snippet]);
    expect(await announced(world)).toEqual({ table: 'demo/events' });
    return;
  }
  const { stdout } = await run('sh', ['-c', PRINTING('kcat') + snippet]);
  const [args = '', input = ''] = stdout.split('--\n');
  const { brokers, topic: name } = world.settings;
  expect(args.trim().split('\n')).toEqual([
    ...['-P', '-b', brokers.join(), '-t', name],
    ...['-K', '|', '-X', 'partitioner=murmur2_random'],
  ]);
  const [key, value = ''] = input.trim().split('|');
  expect(key).toBe('demo/events');
  expect(eventIn(world, Buffer.from(value))).toEqual({ table: 'demo/events' });
});

test('segmentd announces', async () => {
  const world = await makeWorld({}, PARTITIONS);
  const main = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
  const snippet = docSnippet('producers.md', 'segmentd', addresses(world).broker);
  const env = { ...process.env, SEGMENTD_KAFKA_TOPIC: world.settings.topic };
  await run('sh', ['-c', `segmentd() { "${process.execPath}" "${main}" "$@"; }\n${snippet}`], { env });
  expect(await announced(world)).toMatchObject({ table: 'demo/events', version: 12 });
});
