/** `databases` and `tables`: what segmentd serves. */
import { resolve } from 'node:path';
import * as z from 'zod';
import { messageOf } from '../lib/errors.ts';
import { FILE_URI, pathOfFileUri } from '../lib/file-uri.ts';
import { isPathOption } from '../lib/known-storage-options.ts';
import { isStoreUri, normalStoreUri, STORE_URI_PATTERN, schemeOf, storeUriProblem } from '../lib/store-uri.ts';
import { LISTED_NAME_PATTERN } from '../lib/table-name.ts';
import { indexOption } from './index-option.ts';
import { tableMaintain } from './maintain-options.ts';
import { checkedText, option, PLAIN_PATH, pathProblem, REDACTED, variableProblem } from './option.ts';
import { tableVerify } from './verify-options.ts';

/** Database names become Kafka keys, metric labels and the first half of `<database>/<table>`. */
export const DATABASE_NAME = /^[a-z0-9][a-z0-9_-]*$/;
/** What LanceDB accepts as a table name, with its namespaces, behind the database's. */
const TABLE_ID = new RegExp(String.raw`^[a-z0-9][a-z0-9_\-]*/${LISTED_NAME_PATTERN}$`);

/** The same as uriProblem, for the JSON Schema. */
const URI = String.raw`^(?:[Ff][Ii][Ll][Ee]:/[^?#\\]*$|${STORE_URI_PATTERN}$|(?![Ff][Ii][Ll][Ee]:/|[A-Za-z][A-Za-z0-9+.\-]*://)${PLAIN_PATH})`;

/** Why `uri` cannot be served, or undefined. */
function uriProblem(uri: string): string | undefined {
  if (isStoreUri(uri)) return storeUriProblem(uri) ?? variableProblem(uri);
  if (!FILE_URI.test(uri)) return pathProblem(uri);
  try {
    pathOfFileUri(uri);
    return undefined;
  } catch (error) {
    return `not a usable file URI: ${messageOf(error)}`;
  }
}

/** Of a number, YAML would have dropped zeros and more by now. */
const storageOption = z.union([z.string(), z.boolean().transform(String)], 'must be text: put numbers in quotes');

const database = z
  .preprocess(
    (value) => (typeof value === 'string' ? { uri: value } : value),
    z.strictObject({
      uri: checkedText(uriProblem, URI),
      storage_options: z.record(z.string(), storageOption).default({}),
    }),
  )
  .meta({ type: ['string', 'object'], pattern: URI });
type Databases = Record<string, z.output<typeof database>>;

function mapValues<T, U>(map: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}

/** Paths are absolute and URIs have their one spelling, as everything that compares them relies on. */
function absoluteDatabases(value: unknown, base: string): Databases {
  return mapValues(value as Databases, ({ uri, storage_options }) => {
    if (!isStoreUri(uri)) {
      return { uri: resolve(base, FILE_URI.test(uri) ? pathOfFileUri(uri) : uri), storage_options };
    }
    return { uri: normalStoreUri(uri), storage_options: absoluteOptions(uri, storage_options, base) };
  });
}

function absoluteOptions(uri: string, options: Databases[string]['storage_options'], base: string) {
  const absolute = (name: string, value: string) => (isPathOption(schemeOf(uri), name) ? resolve(base, value) : value);
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, absolute(name, value)]));
}

/** Every value of `storage_options` counts as a secret: which ones are depends on the store. */
function redactDatabases(value: unknown): Databases {
  return mapValues(value as Databases, ({ uri, storage_options }) => ({
    uri,
    storage_options: mapValues(storage_options, () => REDACTED),
  }));
}

export const databases = option(
  z
    .record(z.string().regex(DATABASE_NAME, 'a database name is a-z, 0-9, _ and -'), database)
    .refine((map) => Object.keys(map).length > 0, 'name at least one database')
    .meta({ minProperties: 1 }),
  'Databases to serve: name to folder or URI (`s3://`, `gs://`, `az://`), or to `{uri, storage_options}`. A table is then ' +
    `\`<database>/<table>\`. storage_options are those of LanceDB; \`\${NAME}\` in a value is a variable of the environment, and ` +
    '`<option>_file` names a file with the value, which is read again when it is needed. Values are never printed.',
  { absolute: absoluteDatabases, redact: redactDatabases },
);

export const tables = option(
  z
    .record(
      z.string().regex(TABLE_ID, 'a table is written <database>/<table>'),
      z.strictObject({
        indexes: z.array(indexOption).min(1).optional(),
        stable_row_ids: z.enum(['decline', 'rebuild', 'addresses']).default('decline'),
        maintain: tableMaintain.optional(),
        decline: z.enum(['alert', 'accept']).default('alert'),
        verify: tableVerify.optional(),
      }),
    )
    .prefault({}),
  'What to keep per table: `<database>/<table>`, or `<database>/<namespace>$<table>`, to `{indexes: [{column, name, kind, …}], ' +
    'stable_row_ids, maintain, verify, decline}`. Missing indexes are created. `kind` and the parameters beside it are those of docs/indexes.md. ' +
    'Without a kind, what the index of that name is, else a BTREE; without a name, the index of the kind that the column has, else ' +
    '`<column>_idx`. A table without `indexes` keeps every index it has of a kind that segmentd knows. On a table with stable row ids segmentd keeps indexes made by Lance 14 or ' +
    'newer; one of an older Lance is declined, unless `stable_row_ids: rebuild` says to replace it whole whenever something is missing. ' +
    '`addresses` makes missing indexes like Lance 14 does: readers before Lance 14 scan. ' +
    '`maintain` and `verify` have the options of the sections below, which hold for what they leave out, or are `off`. ' +
    '`decline: accept` says that the table may stay declined, for a reason other than damage: it is named in `segmentd status`, `/status` and ' +
    'the log, and no alert fires.',
);
