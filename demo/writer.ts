/**
 * A writer as a data team would run it: a process of its own that appends with LanceDB and announces each append on Kafka.
 *
 *   node writer.ts <database> <brokers> <topic> <people|documents> <first id> <batches> <rows per batch> <pause ms>
 *
 * The database is a folder or the URI of an object store, which LanceDB gets into with the variables of the environment. Prints a JSON line
 * per batch: {version, announced_ms}.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@lancedb/lancedb';
import { loadConfig } from '../src/config/load.ts';
import { kafkaSettings } from '../src/daemon/kafka-settings.ts';
import { openProducer } from '../src/kafka/producer.ts';
import { DATABASE, people, TABLE } from '../testing/people.ts';
import { DOCUMENTS, documents } from './kind-rows.ts';

const [database = '', brokers = '', topic = '', name = TABLE, ...numbers] = process.argv.slice(2);
const [first = 0, batches = 0, rows = 0, pauseMs = 0] = numbers.map(Number);

const producer = openProducer(
  kafkaSettings(
    loadConfig({
      env: { SEGMENTD_DATABASES: `{${DATABASE}: ${database}}`, SEGMENTD_KAFKA_BROKERS: brokers },
      cwd: '/',
    }),
  ),
);
const connection = await connect(database);
const table = await connection.openTable(name);
for (let batch = 0; batch < batches; batch++) {
  const from = first + batch * rows;
  await table.add(name === DOCUMENTS ? documents({ number: batch + 1, from, rows }) : people(from, rows));
  const version = await table.version();
  const announcedMs = Date.now();
  const key = `${DATABASE}/${name}`;
  const value = JSON.stringify({ table: key, version, rows, producer: 'demo-writer' });
  await producer.send(topic, [{ key: Buffer.from(key), value: Buffer.from(value) }]);
  process.stdout.write(`${JSON.stringify({ version, announced_ms: announcedMs })}\n`);
  await sleep(pauseMs);
}
table.close();
connection.close();
await producer.close();
