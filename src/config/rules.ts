/**
 * Rules between options. Each is tested below, at and above its boundary. `about` names the options a rule reads, the one to
 * fix first: that is where the problem is reported.
 */
import { isAbsolute, relative } from 'node:path';
import { isStoreUri } from '../lib/store-uri.ts';
import type { Config } from './schema.ts';
import { ADMIN_PORT, HTTP_HOST, MERGE_FACTOR } from './schema.ts';

type Rule = {
  readonly about: readonly string[];
  /** What is wrong, in terms of the options; empty when all is well. */
  readonly problems: (config: Config) => string[];
};

const unless = (fine: boolean, problem: string): string[] => (fine ? [] : [problem]);

/** Whether `inner` is `outer` or lies below it. Both absolute and normal, or URIs in their one spelling. */
function within(inner: string, outer: string): boolean {
  if (isStoreUri(inner) || isStoreUri(outer)) return inner === outer || inner.startsWith(`${outer}/`);
  const way = relative(outer, inner);
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith('../'));
}

/** A table's URI must lie in exactly one database, or it would have two names and two builds at once. */
function nestedDatabases({ databases }: Config): string[] {
  const all = Object.entries(databases);
  return all.flatMap(([name, { uri }], i) =>
    all.slice(i + 1).flatMap(([other, { uri: otherUri }]) => {
      if (uri === otherUri) return [`${name} and ${other} are the same folder ${uri}`];
      if (within(uri, otherUri)) return [`${name} (${uri}) lies inside ${other} (${otherUri})`];
      if (within(otherUri, uri)) return [`${other} (${otherUri}) lies inside ${name} (${uri})`];
      return [];
    }),
  );
}

function duplicatesOf(values: readonly string[]): string[] {
  return [...new Set(values.filter((value, i) => values.indexOf(value) !== i))];
}

type Indexes = NonNullable<Config['tables'][string]['indexes']>;

/** Of the indexes of one table: a column has one of a kind, and a name is that of one index. */
function indexProblems(indexes: Indexes): string[] {
  // With a name and no kind it may be of any kind: the index of that name, if the table has it.
  const known = indexes.filter(({ kind, name }) => kind !== undefined || name === undefined);
  const twice = duplicatesOf(known.map(({ column, kind = 'btree' }) => `${kind} on column ${column}`));
  // As a new table would name them: the kind is in the name of a second index of a column.
  const kinds = new Map<string, string>();
  const names = indexes.map(({ column, kind = 'btree', name }) => {
    const other = kinds.get(`${column}_idx`);
    const own = name ?? (other === undefined || other === kind ? `${column}_idx` : `${column}_${kind}_idx`);
    kinds.set(own, kinds.get(own) ?? kind);
    return own;
  });
  const problems = twice.map((each) => `has two indexes of kind ${each}`);
  return problems.length > 0 ? problems : duplicatesOf(names).map((name) => `has two indexes named ${name}`);
}

/** The scratch folder is emptied at start; a database in it would be lost, and views in a database would look like tables. */
function scratchInDatabase({ databases, state }: Config): string[] {
  return Object.entries(databases)
    .filter(([, { uri }]) => within(state.scratch_dir, uri) || within(uri, state.scratch_dir))
    .map(([name, { uri }]) => `${state.scratch_dir} and the database ${name} (${uri}) lie inside one another`);
}

/** What lies in a database looks like a table, and a database may be copied or given to others: the evidence holds keys. */
function evidenceInDatabase({ databases, verify }: Config): string[] {
  return Object.entries(databases)
    .filter(([, { uri }]) => within(verify.evidence_dir, uri))
    .map(([name, { uri }]) => `${verify.evidence_dir} lies inside the database ${name} (${uri})`);
}

/** The rules about where things lie. They hold for what links lead to as well. */
export const PLACE_RULES: readonly Rule[] = [
  { about: ['databases'], problems: nestedDatabases },
  { about: ['state.scratch_dir', 'databases'], problems: scratchInDatabase },
  { about: ['verify.evidence_dir', 'databases'], problems: evidenceInDatabase },
];

type KafkaOptions = NonNullable<Config['kafka']>;

/** A rule about `kafka`, which holds where there is that section. */
const kafkaRule = (about: readonly string[], problems: (kafka: KafkaOptions, config: Config) => string[]): Rule => ({
  about,
  problems: (config) => (config.kafka === undefined ? [] : problems(config.kafka, config)),
});

function saslProblems({ sasl }: KafkaOptions): string[] {
  const passwords = [sasl.password, sasl.password_file].filter((value) => value !== undefined).length;
  if (sasl.mechanism === undefined) {
    return unless(sasl.username === undefined && passwords === 0, 'username and password need a mechanism');
  }
  return [
    ...unless(sasl.username !== undefined, `${sasl.mechanism} needs a username`),
    ...unless(passwords === 1, `${sasl.mechanism} needs exactly one of password and password_file`),
  ];
}

const TOPICS = ['topic', 'dead_letter_topic', 'control_topic', 'notification_topic'] as const;

/** One topic with two uses would feed segmentd its own records, as events or as commands. */
function distinctTopics(): Rule[] {
  return TOPICS.flatMap((later, i) =>
    TOPICS.slice(0, i).map((earlier) =>
      kafkaRule([`kafka.${later}`, `kafka.${earlier}`], (kafka) =>
        unless(
          kafka[later] === undefined || kafka[later] !== kafka[earlier],
          `is the same as kafka.${earlier}: ${kafka[later]}`,
        ),
      ),
    ),
  );
}

const ANY_HOST = new Set(['0.0.0.0', '::']);

const hasToken = ({ token, token_file: file }: Config['admin']) => token !== undefined || file !== undefined;

/** Two listeners cannot share an address; on different addresses of a host they may share a port. */
function sharedPort({ admin, http }: Config): string[] {
  const isOn = hasToken(admin) && admin.socket === undefined;
  const [one, other] = [admin.host, http.host].map((host) => (host === 'localhost' ? '127.0.0.1' : host)) as [
    string,
    string,
  ];
  const isShared = admin.port !== 0 && admin.port === http.port;
  const meets = one === other || ANY_HOST.has(one) || ANY_HOST.has(other);
  return unless(!(isOn && isShared && meets), `${admin.port} is http.port too`);
}

/** The rules of the listener for operators, and of what it guards. */
const LISTENER_RULES: readonly Rule[] = [
  {
    about: ['admin.port', 'admin.host', 'admin.token', 'admin.token_file', 'admin.socket', 'http.port', 'http.host'],
    problems: sharedPort,
  },
  {
    about: ['admin.token_file', 'admin.token'],
    problems: ({ admin }) =>
      unless(
        admin.token === undefined || admin.token_file === undefined,
        'token is set as well; one of them is enough',
      ),
  },
  {
    about: ['admin.cert_file', 'admin.key_file'],
    problems: ({ admin }) =>
      unless((admin.cert_file === undefined) === (admin.key_file === undefined), 'cert_file and key_file go together'),
  },
  {
    about: ['admin.socket', 'admin.cert_file', 'admin.key_file'],
    problems: ({ admin }) =>
      unless(
        admin.socket === undefined || (admin.cert_file ?? admin.key_file) === undefined,
        'takes no TLS: leave out cert_file and key_file',
      ),
  },
  ...(['cert_file', 'key_file', 'socket'] as const).map(
    (option): Rule => ({
      about: [`admin.${option}`, 'admin.token', 'admin.token_file'],
      problems: ({ admin }) =>
        unless(
          hasToken(admin) || admin[option] === undefined,
          'is set, but no token or token_file is, without which the listener is off',
        ),
    }),
  ),
  // A default that is written out says nothing.
  ...Object.entries({ host: HTTP_HOST, port: ADMIN_PORT } as const).map(
    ([option, usual]): Rule => ({
      about: [`admin.${option}`, 'admin.socket'],
      problems: ({ admin }) =>
        unless(
          admin.socket === undefined || admin[option as 'host' | 'port'] === usual,
          'is not listened on beside admin.socket: leave out one of them',
        ),
    }),
  ),
  {
    about: ['admin.socket_access', 'admin.socket'],
    problems: ({ admin }) =>
      unless(
        admin.socket_access === 'owner' || admin.socket !== undefined,
        'says who may connect to admin.socket, which is not set',
      ),
  },
  {
    about: ['http.anonymous', 'admin.token', 'admin.token_file'],
    problems: ({ http, admin }) =>
      unless(http.anonymous || hasToken(admin), 'is false, but there is no admin.token or admin.token_file to ask for'),
  },
];

const KAFKA_RULES: readonly Rule[] = [
  kafkaRule(
    ['kafka.heartbeat_interval_ms', 'kafka.session_timeout_ms'],
    ({ heartbeat_interval_ms: beat, session_timeout_ms: session }) =>
      unless(beat * 3 <= session, `${beat} is more than a third of kafka.session_timeout_ms ${session}`),
  ),
  // Otherwise every idle fetch times out and looks like a broken broker.
  kafkaRule(['kafka.max_wait_ms', 'kafka.request_timeout_ms'], ({ max_wait_ms: wait, request_timeout_ms: limit }) =>
    unless(wait < limit, `${wait} is not below kafka.request_timeout_ms ${limit}`),
  ),
  // The offset commit that ends the drain must reach the broker before the broker gives the partitions away.
  kafkaRule(
    ['shutdown.drain_ms', 'kafka.request_timeout_ms', 'kafka.session_timeout_ms'],
    ({ request_timeout_ms: request, session_timeout_ms: session }, { shutdown: { drain_ms: drain } }) =>
      unless(
        drain + request <= session,
        `${drain} plus kafka.request_timeout_ms ${request} is more than kafka.session_timeout_ms ${session}`,
      ),
  ),
  ...distinctTopics(),
  kafkaRule(['kafka.ssl.cert_file', 'kafka.ssl.key_file'], ({ ssl }) =>
    unless((ssl.cert_file === undefined) === (ssl.key_file === undefined), 'cert_file and key_file go together'),
  ),
  kafkaRule(['kafka.ssl.enabled', 'kafka.ssl.ca_file', 'kafka.ssl.cert_file', 'kafka.ssl.server_name'], ({ ssl }) =>
    unless(
      ssl.enabled || (ssl.ca_file ?? ssl.cert_file ?? ssl.server_name) === undefined,
      'is false, but other kafka.ssl options are set',
    ),
  ),
  kafkaRule(
    ['kafka.sasl.mechanism', 'kafka.sasl.username', 'kafka.sasl.password', 'kafka.sasl.password_file'],
    saslProblems,
  ),
  {
    about: ['sweep.interval_s'],
    problems: ({ kafka, sweep }) =>
      unless(
        kafka !== undefined || sweep.interval_s !== 0,
        '0 leaves nothing that finds appends without Kafka: set an interval, or kafka.brokers',
      ),
  },
];

export const RULES: readonly Rule[] = [
  ...KAFKA_RULES,
  {
    about: ['retry.initial_ms', 'retry.max_ms'],
    problems: ({ retry: { initial_ms: first, max_ms: last } }) =>
      unless(first <= last, `${first} is more than retry.max_ms ${last}`),
  },
  {
    about: ['merge.max_factor', 'merge.factor'],
    // Of the defaults the larger one: tables of all kinds of stores may come to be served.
    problems: ({ merge: { factor = MERGE_FACTOR.disk, max_factor: most } }) =>
      unless(most >= factor, `${most} is less than merge.factor ${factor}`),
  },
  {
    about: ['merge.max_segment_rows', 'merge.floor_rows'],
    problems: ({ merge: { floor_rows: floor, max_segment_rows: most } }) =>
      unless(most > floor, `${most} is not above merge.floor_rows ${floor}`),
  },
  ...LISTENER_RULES,
  ...PLACE_RULES,
  {
    about: ['tables', 'databases'],
    problems: ({ tables, databases }) =>
      Object.keys(tables)
        .filter((id) => !Object.hasOwn(databases, id.split('/')[0] as string))
        .map((id) => `${id} names a database that is not in databases`),
  },
  {
    about: ['tables'],
    problems: ({ tables }) =>
      Object.entries(tables).flatMap(([id, { indexes }]) =>
        indexProblems(indexes ?? []).map((problem) => `${id} ${problem}`),
      ),
  },
];
