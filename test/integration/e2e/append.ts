/**
 * A writer process: appends people with LanceDB and announces each append on Kafka.
 *
 *   node append.ts <database> <table> <brokers> <topic> <first id> <batches> <rows per batch>
 *
 * STORAGE_OPTIONS are LanceDB's for the database, in JSON.
 */
import { connect } from '@lancedb/lancedb';
import { loadConfig } from '../../../src/config/load.ts';
import { kafkaSettings } from '../../../src/daemon/kafka-settings.ts';
import { openProducer } from '../../../src/kafka/producer.ts';
import { people } from '../../../testing/people.ts';

const [database = '', name = '', brokers = '', topic = '', ...numbers] = process.argv.slice(2);
const [first = 0, batches = 0, rows = 0] = numbers.map(Number);

const env = { SEGMENTD_DATABASES: `{db: ${database}}`, SEGMENTD_KAFKA_BROKERS: brokers };
const producer = openProducer(kafkaSettings(loadConfig({ env, cwd: process.cwd() })));
const storageOptions = JSON.parse(process.env.STORAGE_OPTIONS ?? '{}') as Record<string, string>;
const connection = await connect(database, { storageOptions });
const table = await connection.openTable(name);
for (let batch = 0; batch < batches; batch++) {
  await table.add(people(first + batch * rows, rows));
  const value = JSON.stringify({ table: `db/${name}`, version: await table.version(), rows });
  await producer.send(topic, [{ key: Buffer.from(`db/${name}`), value: Buffer.from(value) }]);
}
table.close();
connection.close();
await producer.close();
