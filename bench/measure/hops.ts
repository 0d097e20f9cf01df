/**
 * How many files of `src` one record crosses on its way to one commit: those of which a function ran between the record and the
 * commit, by V8's own coverage of a daemon in this process. Timers that run meanwhile (heartbeats, offsets) count too.
 *
 *   npm run bench:hops [-- --list]
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connect, Index } from '@lancedb/lancedb';
import { printLine } from '../../src/commands/terminal/output.ts';
import { loadConfig } from '../../src/config/load.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { kafkaSettings } from '../../src/daemon/kafka-settings.ts';
import { encodeAppendEvent } from '../../src/events/append-event.ts';
import { openProducer } from '../../src/kafka/producer.ts';
import { Cleanup } from '../../src/lib/cleanup.ts';
import { startBroker } from '../../testing/broker/broker.ts';
import { people } from '../../testing/people.ts';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));
/** Rooms that the record passes. The others tell about it, schedule a merge after it, or run on timers of their own. */
const ON_THE_WAY = /^(kafka\/consumer|events|control|stages|lance|store|pipeline)/;
const { values: options } = parseArgs({ options: { list: { type: 'boolean', default: false } } });

const cleanup = new Cleanup();
try {
  const home = await mkdtemp(join(tmpdir(), 'segmentd-hops-'));
  cleanup.defer(() => rm(home, { recursive: true, force: true }));
  const database = join(home, 'db');
  await mkdir(database);
  const connection = await connect(database);
  const table = await connection.createTable('people', people(0, 10_000));
  await table.createIndex('id', { config: Index.btree() });
  const broker = await startBroker();
  cleanup.defer(() => broker.stop());

  const env = {
    SEGMENTD_DATABASES: `{db: ${database}}`,
    SEGMENTD_KAFKA_BROKERS: broker.bootstrap.join(','),
    SEGMENTD_KAFKA_CREATE_TOPICS_ENABLED: 'true',
    SEGMENTD_STATE_SCRATCH_DIR: join(home, 'scratch'),
    SEGMENTD_HTTP_PORT: '0',
    SEGMENTD_SWEEP_INTERVAL_S: '0',
  };
  const config = loadConfig({ file: undefined, env, cwd: home });
  const lines: { readonly event?: string }[] = [];
  const daemon = await startDaemon(config, { log: (line) => lines.push(JSON.parse(line)) });
  cleanup.defer(async () => {
    daemon.stop('drain');
    await daemon.finished;
  });
  const producer = openProducer(kafkaSettings(config));
  cleanup.defer(() => producer.close());
  const ref = { id: 'db/people', database: 'db', name: 'people', uri: join(database, 'people.lance') };
  const covered = () => lines.filter(({ event }) => event === 'batchCovered').length;
  /** Appends ten rows, announces them and waits until they are covered. */
  const round = async (from: number) => {
    const before = covered();
    const { version } = await table.add(people(from, 10));
    await producer.send(kafkaSettings(config).topic, [encodeAppendEvent({ table: ref, version })], {
      deadlineMs: 60_000,
    });
    while (covered() === before) await sleep(5);
  };

  await round(10_000);
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  await session.post('Profiler.takePreciseCoverage');
  await round(10_010);
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const crossed = result
    .filter(({ url, functions }) => url.startsWith(`file://${SRC}`) && functions.some((it) => it.ranges[0]?.count))
    .map(({ url }) => relative(SRC, fileURLToPath(url)))
    .sort();
  const onTheWay = crossed.filter((path) => ON_THE_WAY.test(path));
  printLine(process.stdout, `${onTheWay.length} files on the way of the record, ${crossed.length} files of src in all`);
  if (options.list) for (const path of crossed) printLine(process.stdout, `  ${path}`);
} finally {
  await cleanup.run();
}
process.exit(0);
