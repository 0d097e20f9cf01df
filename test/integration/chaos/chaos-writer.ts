/**
 * A writer process: appends to one table after the other with LanceDB and announces each append, until it is told to end.
 *
 *   node chaos-writer.ts <database folder> <tables> <brokers> <topic> <first id> <rows per append> <pause ms>
 *
 * The tables are t0, t1, … Ends after the end of its standard input, and prints how many appends it made.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@lancedb/lancedb';
import { loadConfig } from '../../../src/config/load.ts';
import { kafkaSettings } from '../../../src/daemon/kafka-settings.ts';
import { openProducer } from '../../../src/kafka/producer.ts';
import { people } from '../../../testing/people.ts';

const [folder = '', count = '', brokers = '', topic = '', ...numbers] = process.argv.slice(2);
const [first = 0, rows = 0, pauseMs = 0] = numbers.map(Number);

let told = false;
process.stdin.on('end', () => {
  told = true;
});
process.stdin.resume();

const env = { SEGMENTD_DATABASES: `{db: ${folder}}`, SEGMENTD_KAFKA_BROKERS: brokers };
const producer = openProducer(kafkaSettings(loadConfig({ env, cwd: folder })));
const connection = await connect(folder);
const names = Array.from({ length: Number(count) }, (_, at) => `t${at}`);
const tables = await Promise.all(names.map((name) => connection.openTable(name)));
let appends = 0;
for (; !told; appends++) {
  const at = appends % tables.length;
  const [table, name] = [tables[at], names[at]];
  await table?.add(people(first + appends * rows, rows));
  const value = JSON.stringify({ table: `db/${name}`, version: await table?.version(), rows });
  await producer.send(topic, [{ key: Buffer.from(`db/${name}`), value: Buffer.from(value) }]);
  await sleep(pauseMs);
}
await producer.close();
process.stdout.write(`${appends}\n`);
