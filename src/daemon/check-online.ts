/** What only the world can tell of a configuration: brokers, topics, the rights on tables, the addresses to listen on. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Config } from '../config/schema.ts';
import { asKafkaError, topicMissing } from '../kafka/kafka-errors.ts';
import { missingTopics } from '../kafka/topics.ts';
import { asyncLimit } from '../lib/async-limit.ts';
import { asSegmentdError, errnoOf, messageOf } from '../lib/errors.ts';
import { tableUri } from '../lib/table-name.ts';
import { listDatabase } from '../store/list-tables.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { checkAccess } from '../store/open-store.ts';
import { whyNoDatabase } from '../store/why-no-database.ts';
import { storesOf } from './configured-stores.ts';
import type { Finding } from './findings.ts';
import { errorAt, noteAt, warningAt } from './findings.ts';
import { kafkaSettings, topicShape } from './kafka-settings.ts';
import type { Listening } from './segmentd-there.ts';
import { isSegmentd } from './segmentd-there.ts';

/** Tables looked at at once. */
const AT_ONCE = 8;
/** What segmentd writes to below a table. */
const WRITTEN = ['_versions', '_transactions', '_indices'];

/** Beyond what checkPlaces finds. Creates nothing that stays, joins no group. Never rejects. */
export async function checkOnline(config: Config): Promise<Finding[]> {
  const { http, admin } = config;
  const isAdminOn = admin.token !== undefined || admin.token_file !== undefined;
  const findings = await Promise.all([
    checkReach(config),
    checkListener('http', http),
    ...(isAdminOn ? [checkListener('admin', { ...admin, isTls: admin.cert_file !== undefined })] : []),
  ]);
  return findings.flat();
}

/** The part of it that asks others: the stores and the brokers. Never rejects. */
export async function checkReach(config: Config): Promise<Finding[]> {
  const storeOf = storesOf(config);
  const findings = await Promise.all([
    ...Object.entries(config.databases).map(([name, { uri }]) => checkStore(name, uri, storeOf)),
    ...(config.kafka === undefined ? [] : [checkKafka(config)]),
  ]);
  return findings.flat();
}

type StoreOf = ReturnType<typeof storesOf>;

async function checkStore(database: string, uri: string, storeOf: StoreOf): Promise<Finding[]> {
  const path = ['databases', database];
  try {
    const store = storeOf(uri);
    if (!store.remote) return await checkTables(path, store, storeOf);
    // Rights in an object store are those on the database: asking for each table would take requests and tell the same.
    await checkAccess(store, []);
    const instead = await whyNoDatabase(uri, storeOf);
    return instead === undefined ? [] : [errorAt(path, `${uri} ${instead}`)];
  } catch (thrown) {
    const { code, message } = asSegmentdError(thrown);
    return [errorAt(path, message, code)];
  }
}

async function checkTables(path: Finding['path'], database: ObjectStore, storeOf: StoreOf): Promise<Finding[]> {
  const { tables = [], made = [] } = (await listDatabase(database)) ?? {};
  const limit = asyncLimit(AT_ONCE);
  const uris = [...tables.map((name) => tableUri(database.root, name)), ...made.map((it) => `${database.root}/${it}`)];
  const checks = uris.map((uri) => limit.run(() => checkAccess(storeOf(uri), WRITTEN)));
  const outcomes = await Promise.allSettled(checks);
  const failures = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [asSegmentdError(outcome.reason)] : [],
  );
  const [first] = failures;
  if (first === undefined) return [];
  const more = failures.length === 1 ? '' : `, and ${failures.length - 1} more of ${uris.length} tables`;
  return [errorAt(path, `${first.message}${more}`, first.code)];
}

async function checkKafka(config: Config): Promise<Finding[]> {
  try {
    const missing = await missingTopics(kafkaSettings(config), () => undefined);
    if (missing.length > 0 && topicShape(config) !== undefined) {
      return [noteAt(['kafka', 'topic'], `not there yet, created when segmentd starts: ${missing.join(', ')}`)];
    }
    return missing.map((topic) => {
      const { message, code } = topicMissing(topic);
      // Brokers list no topic that the user may not see.
      return errorAt(['kafka', optionOf(config, topic)], `${message}, or this user may not see it`, code);
    });
  } catch (thrown) {
    const { code, message } = asKafkaError(thrown);
    return [errorAt(['kafka', code === 'broker_denied' ? 'sasl' : 'brokers'], message, code)];
  }
}

const TOPIC_OPTIONS = ['topic', 'dead_letter_topic', 'control_topic', 'notification_topic'] as const;
const optionOf = ({ kafka }: Config, topic: string) =>
  TOPIC_OPTIONS.find((option) => kafka?.[option] === topic) ?? 'topic';

/** An address in use may well be that of a daemon that runs with this configuration. */
async function checkListener(section: 'http' | 'admin', at: Listening): Promise<Finding[]> {
  const { socket, port } = at;
  const where = socket ?? `${at.host}:${port}`;
  const path = (option: string) => [section, socket === undefined ? option : 'socket'];
  const problem = socket === undefined ? await whyNotFree(at) : await whyAnswered(socket);
  if (problem === undefined) return [];
  if (problem !== 'EADDRINUSE') return [errorAt(path('host'), `cannot listen on ${where}: ${problem}`)];
  return (await isSegmentd(at))
    ? [noteAt(path('port'), `a segmentd answers at ${where}; another one needs an address of its own`)]
    : [warningAt(path('port'), `cannot listen on ${where}: ${problem}`)];
}

/** The errno, or the message of what has none. */
async function whyNotFree({ host, port }: Listening): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, 'listening');
    return undefined;
  } catch (error) {
    return errnoOf(error) ?? messageOf(error);
  } finally {
    if (server.listening) server.close();
  }
}

/** What may stand in the way is told by checkPlaces, but for a process that listens. */
async function whyAnswered(socket: string): Promise<'EADDRINUSE' | undefined> {
  const client = connect({ path: socket });
  try {
    await once(client, 'connect');
    return 'EADDRINUSE';
  } catch {
    return undefined;
  } finally {
    client.destroy();
  }
}
