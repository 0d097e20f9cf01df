/** How commands find a table or a database, and get into its store. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { resolveTable } from '../events/table-address.ts';
import type { TablePolicy } from '../lance/plan/row-ids.ts';
import { LanceTable } from '../lance/table/table.ts';
import { SegmentdError } from '../lib/errors.ts';
import { isPathOption } from '../lib/known-storage-options.ts';
import { storageOptionsProblem } from '../lib/storage-options-problem.ts';
import { isStoreUri, schemeOf, shownUri } from '../lib/store-uri.ts';
import { TABLE_NAME_PATTERN, TABLE_SUFFIX } from '../lib/table-name.ts';
import { locationOf, namesTable } from '../store/location.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { StorageOptions } from '../store/open-store.ts';
import { openStore } from '../store/open-store.ts';
import type { Invocation } from './io.ts';

/** The meaning of an argument that is a table. */
export const TABLE_ARGUMENT = 'folder or URI of the table, ending in .lance; with --config also <database>/<table>';

export type PlaceOptions = { readonly config?: string; readonly storageOption?: readonly string[] };

/** Gives the command `--config` and `--storage-option`. */
export function withPlaceOptions(command: Command): Command {
  return command
    .option(
      '-c, --config <file>',
      'configuration: the storage_options and indexes of its databases and tables hold here',
    )
    .option(
      '--storage-option <name=value>',
      'option of LanceDB for an object store, such as region=eu-west-1; may be repeated, and <name>_file names a file with the value',
      (text: string, before: readonly string[] = []) => [...before, text],
    );
}

/** A table or database, as it was given and configured. */
export type Place = {
  /** An absolute folder or the URI of an object store. */
  readonly uri: string;
  readonly isTable: boolean;
  /** Opens the place, and what lies below it. */
  readonly storeOf: (uri: string) => ObjectStore;
  /** What is configured for the table at `uri`; undefined without a configuration, and for a table outside of its databases. */
  readonly policyOf: (uri: string) => TablePolicy | undefined;
};

/**
 * With a configuration, `given` may be the name of a database, or `<database>/<table>`: a path of that kind is written `./lake`. Errors:
 * usage; config_unreadable and config_invalid.
 */
export function findPlace({ env, cwd }: Invocation, given: string, options: PlaceOptions): Place {
  const config = options.config === undefined ? undefined : loadConfig({ file: options.config, env, cwd });
  const { uri, isTable } = (config && named(config, given)) ?? {
    uri: locationOf(given, cwd),
    isTable: namesTable(given),
  };
  const database = config && Object.values(config.databases).find((it) => isWithin(uri, it.uri));
  const storageOptions = { ...database?.storage_options, ...givenOptions(uri, options.storageOption ?? [], cwd) };
  const problems = storageOptionsProblem(uri, storageOptions, env);
  if (problems.length > 0) throw new SegmentdError('usage', `storage options: ${problems.join('\n  ')}`);
  return {
    uri,
    isTable,
    storeOf: (at) => openStore(at, storageOptions),
    policyOf: (at) => {
      const id = config && idOf(config, at);
      return id === undefined ? undefined : configuredPolicy(config as Config, id);
    },
  };
}

/** What is maintained in a table of the configuration. */
export function configuredPolicy({ tables }: Config, id: string): TablePolicy {
  const settings = tables[id];
  return { wanted: settings?.indexes ?? 'existing', stableRowIds: settings?.stable_row_ids ?? 'decline' };
}

/** The table that was given, and its policy where one is configured. Errors: as findPlace. */
export function openTable(
  io: Invocation,
  given: string,
  options: PlaceOptions,
): { table: LanceTable; policy: TablePolicy | undefined } {
  const { uri, isTable, storeOf, policyOf } = findPlace(io, given, options);
  if (!isTable)
    throw new SegmentdError('usage', `${shownUri(given)} is no table: those are folders that end in .lance`);
  return { table: new LanceTable(storeOf(uri)), policy: policyOf(uri) };
}

type Located = Pick<Place, 'uri' | 'isTable'>;

const TABLE_NAME = new RegExp(`^${TABLE_NAME_PATTERN}$`);

const databasesOf = ({ databases }: Config) =>
  new Map(Object.entries(databases).map(([name, { uri }]) => [name, uri] as const));

function named(config: Config, given: string): Located | undefined {
  const databases = databasesOf(config);
  const [database = '', table, ...more] = given.split('/');
  const uri = databases.get(database);
  if (uri === undefined || more.length > 0) return undefined;
  if (table === undefined) return { uri, isTable: false };
  if (!TABLE_NAME.test(table) || table.endsWith(TABLE_SUFFIX)) return undefined;
  return { uri: resolveTable(databases, given).uri, isTable: true };
}

const isWithin = (uri: string, base: string) => uri === base || uri.startsWith(base.endsWith('/') ? base : `${base}/`);

/** `<database>/<table>` of a table that the configuration serves, undefined for other places. */
function idOf(config: Config, uri: string): string | undefined {
  try {
    return resolveTable(databasesOf(config), uri).id;
  } catch (error) {
    if (error instanceof SegmentdError) return undefined;
    throw error;
  }
}

/** Of a text that cannot be taken, nothing behind the `=` is repeated: it may be secret, and so may a text without one. */
function givenOptions(uri: string, texts: readonly string[], cwd: string): StorageOptions {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new SegmentdError('usage', '--storage-option is written <name>=<value>');
      const [name, value] = [text.slice(0, at), text.slice(at + 1)];
      const isPath = isStoreUri(uri) && isPathOption(schemeOf(uri), name);
      return [name, isPath ? resolve(cwd, value) : value];
    }),
  );
}
