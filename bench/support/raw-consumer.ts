/**
 * A consumer of the client library that does nothing else, as a process of its own: it has to warm up as the daemon does.
 *
 *   node bench/support/raw-consumer.ts <config file> <records> [parse]
 *
 * Prints the records per second from joining the group to the last record as JSON.
 */
import { randomUUID } from 'node:crypto';
import { printJson } from '../../src/commands/terminal/output.ts';
import { loadConfig } from '../../src/config/load.ts';
import { kafkaSettings } from '../../src/daemon/kafka-settings.ts';
import { CLIENT_RETRY, openClient } from '../../src/kafka/client.ts';

const [file = '', records = '0', parse] = process.argv.slice(2);
const settings = kafkaSettings(loadConfig({ file, env: {}, cwd: process.cwd() }));
const kafka = await openClient(settings, () => undefined);
const consumer = kafka.consumer({
  groupId: `raw-${randomUUID()}`,
  maxWaitTimeInMs: settings.maxWaitMs,
  maxBytesPerPartition: settings.maxBytesPerPartition,
  retry: CLIENT_RETRY,
});
const { promise: all, resolve: ended } = Promise.withResolvers<number>();
const { promise: joined, resolve: join } = Promise.withResolvers<number>();
consumer.on(consumer.events.GROUP_JOIN, () => join(performance.now()));
let seen = 0;
let tables = 0;
await consumer.connect();
await consumer.subscribe({ topic: settings.topic, fromBeginning: true });
await consumer.run({
  eachBatch: async ({ batch }) => {
    if (parse) for (const { value } of batch.messages) tables += 'table' in JSON.parse(String(value)) ? 1 : 0;
    seen += batch.messages.length;
    if (seen >= Number(records)) ended(performance.now());
  },
});
const startedMs = await joined;
const rate = (Number(records) / ((await all) - startedMs)) * 1000;
await consumer.disconnect();
if (parse && tables !== seen) throw new Error(`${seen - tables} of ${seen} records name no table`);
printJson(process.stdout, { rate });
