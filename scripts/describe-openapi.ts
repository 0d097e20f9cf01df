/** schemas/openapi.json, the OpenAPI document of both HTTP listeners. */
import * as z from 'zod';
import { LEAVES } from '../src/config/load.ts';
import type { CommandName } from '../src/control/commands.ts';
import { COMMANDS, isLasting, isWork, MAX_TO } from '../src/control/commands.ts';
import { PARAMETERS } from '../src/http/tables-api.ts';
import { defaultOf } from './describe-config.ts';
import { answerSchema } from './describe-schemas.ts';
import { status, tableDetail, tableStatus, text } from './status-schemas.ts';

type Json = Record<string, unknown>;

const tableList = z
  .object({
    tables: z.array(tableStatus).describe('By name.'),
    paused: z.array(z.string()).describe('Tables that an operator has paused.'),
  })
  .meta({ id: 'TableList' });

const commandAnswer = z
  .object({
    ...tableStatus.shape,
    paused: z.boolean().describe('Whether an operator holds the table’s events.'),
    survives_restart: z
      .boolean()
      .optional()
      .describe('Of pause: whether the pause lasts when the process ends, as it does with kafka.control_topic.'),
  })
  .meta({ id: 'CommandAnswer' });

const rows = z.int().min(0);
const workAnswer = z
  .object({
    ...commandAnswer.shape,
    work: z.object({
      command: z.enum(['merge', 'optimize']),
      outcome: z
        .enum(['begun', 'waits', 'under_way', 'nothing_due', 'sent'])
        .describe(
          'waits: until the indexes cover the table; under_way: asked for before; sent: to the member that owns the table.',
        ),
      to: z.int().min(1).nullish().describe('Of a merge, as asked for.'),
      merges: z.array(z.object({ index: text('Name of the index.'), segments: rows, rows })).optional(),
      compaction: z.object({ fragments_removed: rows, fragments_added: rows }).optional(),
    }),
  })
  .meta({ id: 'WorkAnswer' });

const waitAnswer = z
  .object({
    table: text('<database>/<table>.'),
    version: z.int().min(1).describe('That was asked for.'),
    covered: z.boolean().describe('Whether the rows of the version are indexed.'),
    latest_version: z.int().min(1).nullable().describe('Null when there was no table.'),
  })
  .meta({ id: 'WaitAnswer' });

const refusal = z
  .object({ code: text('One of docs/errors.md.'), error: text('What happened.'), hint: text('What to do.') })
  .meta({ id: 'Refusal' });

const SCHEMAS = { status, tableDetail, tableList, commandAnswer, workAnswer, waitAnswer, refusal };

/** What each command does, for those that read the document. */
const SUMMARIES: Readonly<Record<string, string>> = {
  refresh: 'Plans the table now, as the sweep does.',
  pause: 'Holds the events of the table until it is resumed.',
  resume: 'Ends the pause of the table.',
  merge: 'Merges segments of the table now: those that are due, or down to a number.',
  optimize: 'Compacts the table and takes old versions away now, whatever the schedule.',
};
const summaryOf = (command: string) => SUMMARIES[command] ?? `Asks for ${command} of the table.`;

/** Every schema with a name, once. */
function components(): Json {
  const found: Json = {};
  for (const schema of Object.values(SCHEMAS)) {
    const { $ref, $defs = {}, ...own } = answerSchema(schema) as Json & { $defs?: Json };
    Object.assign(found, $defs, $ref === undefined ? { [idOf(schema)]: own } : {});
  }
  return JSON.parse(JSON.stringify(found).replaceAll('#/$defs/', '#/components/schemas/')) as Json;
}

const idOf = (schema: z.ZodType) => schema.meta()?.id as string;
const ref = (schema: z.ZodType) => ({ $ref: `#/components/schemas/${idOf(schema)}` });
const content = (schema: z.ZodType) => ({ 'application/json': { schema: ref(schema) } });
const answer = (description: string, schema: z.ZodType) => ({ description, content: content(schema) });

const REFUSALS: Readonly<Record<number, string>> = {
  400: 'The request or the table is at fault.',
  401: 'The token is missing or wrong.',
  404: 'There is no such table, path or method.',
  409: 'It cannot be done as things are.',
  421: 'The request names another host than this machine.',
  429: 'Too many such requests are open.',
  503: 'The store or the broker did not answer.',
};
const refusals = (...codes: number[]) =>
  Object.fromEntries(codes.map((code) => [code, answer(REFUSALS[code] ?? '', refusal)]));

const path = (name: string, description: string) => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: { type: 'string' },
});
const TABLE = [
  path('database', 'Name of a configured database.'),
  path('table', 'Name of the table, percent-encoded.'),
];

type Operation = { readonly id: string; readonly summary: string; readonly more?: Json; readonly open?: boolean };

const operation = (responses: Json, { id, summary, more = {}, open = false }: Operation): Json => ({
  operationId: id,
  summary,
  ...more,
  ...(open ? { security: [] } : {}),
  responses: { ...responses, ...refusals(open ? 421 : 401) },
});

const eventStream = {
  200: {
    description:
      'Server-sent events named status, each with the Status in one line: at once, and on change once a second at most. A comment comes every 15 s.',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  },
  ...refusals(429),
};

/** The same on both listeners, but for the token. */
function statusPaths(prefix: '' | '/v1'): Json {
  const open = prefix === '';
  const id = (name: string) => `${name}${open ? '' : 'WithToken'}`;
  const servers = open ? { servers: [{ url: serverUrl('http'), description: 'Metrics, probes and the status.' }] } : {};
  const found = (description: string, schema: z.ZodType) => ({ 200: answer(description, schema) });
  const get = (responses: Json, name: string, summary: string, more: Json = {}) => ({
    ...servers,
    get: operation(responses, { id: id(name), summary, more, open }),
  });
  return {
    [`${prefix}/status`]: get(found('The status.', status), 'getStatus', 'The member and the tables that it knows.'),
    [`${prefix}/status/events`]: get(eventStream, 'streamStatus', 'The status, whenever it changes.'),
    [`${prefix}/status/tables/{database}/{table}`]: get(
      { ...found('The table.', tableDetail), ...refusals(404) },
      'getTableDetail',
      'A table with its last hours.',
      { parameters: TABLE },
    ),
  };
}

/** The probes and metrics are text. */
function textPaths(): Json {
  const servers = [{ url: serverUrl('http'), description: 'Metrics, probes and the status.' }];
  const plain = (description: string) => ({ description, content: { 'text/plain': { schema: { type: 'string' } } } });
  const get = (id: string, summary: string, isProbe = true) => ({
    servers,
    get: operation(
      {
        200: plain(isProbe ? 'It is so.' : 'The metrics.'),
        ...(isProbe ? { 503: plain('It is not; the text says why.') } : {}),
      },
      { id, summary, open: true },
    ),
  });
  return {
    '/metrics': get('getMetrics', 'The metrics of docs/metrics.md for Prometheus.', false),
    '/healthz': get('isHealthy', 'Whether a restart would not help.'),
    '/readyz': get('isReady', 'Whether this member works on its partitions.'),
    '/startupz': get('isStarted', 'Whether the daemon listens.'),
  };
}

const query = (name: string, description: string, schema: Json, required = false) => ({
  name,
  in: 'query',
  required,
  description,
  schema,
});

const to = query('to', 'Most segments that each index is to keep; without it, what is due is merged.', {
  type: 'integer',
  minimum: 1,
  maximum: MAX_TO,
});

const FORCE = query(
  'force',
  'To pause a table that is not there yet. What is paused can be resumed with it and without.',
  {
    type: 'boolean',
    default: false,
  },
);

const canBeElsewhere = (command: CommandName) => isWork(command) || isLasting(command);

function commandPath(command: CommandName): [string, Json] {
  const known = { to, force: FORCE };
  const ok = isWork(command)
    ? answer('The table, and what was begun.', workAnswer)
    : answer('The table.', commandAnswer);
  const responses = { 200: ok, ...refusals(400, 404, ...(canBeElsewhere(command) ? [409] : []), 503) };
  const taken = Object.entries(known).filter(([name]) => PARAMETERS[command]?.includes(name));
  const more = { parameters: [...TABLE, ...taken.map(([, parameter]) => parameter)] };
  return [
    `/v1/tables/{database}/{table}/${command}`,
    { post: operation(responses, { id: `${command}Table`, summary: summaryOf(command), more }) },
  ];
}

function tablePaths(): Json {
  const failures = refusals(400, 404, 503);
  const wait = [
    query('version', 'The version that an append made.', { type: 'integer', minimum: 1 }, true),
    query('timeout', 'With its unit, such as 500ms or 30s; 300s at most.', { type: 'string', default: '30s' }),
  ];
  const one = '/v1/tables/{database}/{table}';
  return {
    '/v1/tables': {
      get: operation(
        { 200: answer('The tables.', tableList) },
        { id: 'listTables', summary: 'All tables that this member knows.' },
      ),
    },
    [one]: {
      get: operation(
        { 200: answer('The table.', commandAnswer), ...failures },
        { id: 'getTable', summary: 'The state of a table.', more: { parameters: TABLE } },
      ),
    },
    [`${one}/wait`]: {
      get: operation(
        { 200: answer('Covered, or the time is over.', waitAnswer), ...failures, ...refusals(429) },
        {
          id: 'waitForTable',
          summary: 'Answers when the version is covered, or the time is over.',
          more: { parameters: [...TABLE, ...wait] },
        },
      ),
    },
    ...Object.fromEntries(COMMANDS.filter((command) => command !== 'status').map(commandPath)),
  };
}

function serverUrl(section: 'http' | 'admin'): string {
  const of = (name: string) => {
    const leaf = LEAVES.find(({ path: names }) => names.join('.') === `${section}.${name}`);
    return leaf ? String(defaultOf(leaf)) : '';
  };
  return `http://${of('host')}:${of('port')}`;
}

export function openApi(): string {
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'segmentd',
      summary: 'The HTTP API of the daemon that keeps LanceDB indexes fresh.',
      description: 'docs/http-api.md tells how it is used. Further fields and paths may come at any time.',
      version: '1',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: serverUrl('admin'), description: 'The listener for operators, on when admin.token is set.' }],
    security: [{ token: [] }],
    paths: { ...statusPaths(''), ...textPaths(), ...statusPaths('/v1'), ...tablePaths() },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'That of admin.token.' } },
      schemas: components(),
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
