/** `schemas/`, the JSON Schemas that the package ships, from the code that reads. */
import * as z from 'zod';
import type { OptionMeta, SectionMeta } from '../src/config/option.ts';
import { metaOf } from '../src/config/option.ts';
import { schema as config } from '../src/config/schema.ts';
import { appendFields } from '../src/events/append-fields.ts';
import { ADDRESS_PATTERN } from '../src/events/table-address.ts';
import { COMMAND_SCHEMAS, error } from './command-schemas.ts';
import { status, tableDetail } from './status-schemas.ts';

type Json = Record<string, unknown>;

/** The text of a schema file. */
function print(schema: Json): string {
  return `${JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema }, null, 2)}\n`;
}

const FIELDS: Readonly<Record<keyof typeof appendFields.shape, string>> = {
  table: 'The table: <database>/<table>, or its full path or URI inside a configured database.',
  version: 'The version that the append produced.',
  fragments: 'Ids of the fragments to index, as one segment, and no others.',
  backfill:
    'The job that the event is one part of: fragments first to last are left to the members that get the other parts.',
  id: 'Provenance, for the logs.',
  time: 'When the append was made, for the logs.',
  producer: 'Who appended, for the logs.',
  rows: 'Rows appended, for the logs.',
};

export function eventSchema(): string {
  const { $schema: _, properties, ...rest } = z.toJSONSchema(appendFields, { io: 'input' });
  const described = Object.entries(properties ?? {}).map(([name, property]) => {
    const more = name === 'table' ? { pattern: ADDRESS_PATTERN } : {};
    return [name, { description: FIELDS[name as keyof typeof FIELDS], ...(property as Json), ...more }];
  });
  return print({
    title: 'Append event of segmentd',
    description: 'The value of a record that says which table has grown. Further fields are ignored.',
    ...rest,
    properties: Object.fromEntries(described),
  });
}

export function configSchema(): string {
  const { $schema: _, ...rest } = z.toJSONSchema(config, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const meta = metaOf(zodSchema);
      if (meta) describe(jsonSchema as Json, meta);
      // What text() refuses: nothing but blanks.
      if (jsonSchema.minLength === 1 && jsonSchema.pattern === undefined) jsonSchema.pattern = '\\S';
    },
  });
  return print({
    title: 'Configuration of segmentd',
    ...rest,
    description:
      'The first check of `segmentd config check`, which also checks rules between options and reads variables.',
  });
}

/**
 * An answer as clients should read it: further fields may come. `io: 'output'` is for tests: no field that the schema does not name.
 */
export function answerSchema(answer: z.ZodType, io: 'input' | 'output' = 'input'): Json {
  const { $schema: _, ...schema } = z.toJSONSchema(answer, {
    io,
    override: ({ jsonSchema }) => {
      // The name of a definition, which stands in its place already.
      delete jsonSchema.id;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return schema;
}

/** The schemas of `/status` and of what the commands print with `--json`, by their path. */
export function answerSchemas(): Record<string, string> {
  const commands = Object.entries(COMMAND_SCHEMAS).map(([name, { title, answers }]) => {
    const description = 'What the command prints on standard output with --json; further fields may come.';
    return [
      `schemas/command-${name}.json`,
      print({ title, description, ...answerSchema(z.union([...answers, error])) }),
    ];
  });
  return {
    'schemas/status.json': print({ title: 'GET /status of segmentd', ...answerSchema(status) }),
    'schemas/table-detail.json': print({
      title: 'GET /status/tables/<db>/<table> of segmentd',
      ...answerSchema(tableDetail),
    }),
    ...Object.fromEntries(commands),
  };
}

function describe(json: Json, meta: OptionMeta | SectionMeta): void {
  json.description = meta.doc;
  if (meta.kind === 'option') {
    // A default that depends on the machine is none to write down.
    if (meta.defaultText !== undefined) delete json.default;
    return;
  }
  // One that may be left out says something.
  if (meta.isOptional) {
    Object.assign(json, { type: 'object', minProperties: 1 });
    delete json.required;
    return;
  }
  // An empty section means its defaults, and so does one that is left out. What is required may come from a variable.
  json.type = ['object', 'null'];
  delete json.required;
}
