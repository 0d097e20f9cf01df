/** How commands find a table or a database, and get into its store. */
import { resolve } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { tablePolicy } from '../../config/table-policy.ts';
import { TableCatalogs } from '../../control/table-catalogs.ts';
import { databasesOf } from '../../daemon/configured-stores.ts';
import type { Databases } from '../../events/table-address.ts';
import { resolveTable } from '../../events/table-address.ts';
import type { TablePolicy } from '../../lance/plan/row-ids.ts';
import { DEFAULT_POLICY } from '../../lance/plan/row-ids.ts';
import { MANAGED_VERSIONING } from '../../lance/plan/supported.ts';
import { LanceTable } from '../../lance/table/table.ts';
import { SegmentdError } from '../../lib/errors.ts';
import { isConfigured } from '../../lib/is-configured.ts';
import { isPathOption } from '../../lib/known-storage-options.ts';
import { storageOptionsProblem } from '../../lib/storage-options-problem.ts';
import { isStoreUri, schemeOf, shownUri } from '../../lib/store-uri.ts';
import { LISTED_NAME_PATTERN, madeName } from '../../lib/table-name.ts';
import type { TableRef } from '../../model.ts';
import { locationOf, namesTable } from '../../store/location.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { StorageOptions } from '../../store/open-store.ts';
import { openStore } from '../../store/open-store.ts';
import { isTableFolder } from '../../store/why-no-database.ts';
import type { Invocation } from '../terminal/io.ts';
import { isPlace, placeNote } from './given-place.ts';
import { readCatalog } from './read-catalog.ts';

/** Times and sizes as the configuration has them. */
type MaintainTexts = Pick<Config['maintain'], 'keep_versions_for' | 'max_memory'>;

export type PlaceOptions = { readonly config?: string; readonly storageOption?: readonly string[] };

/** A table or database, as it was given and configured. */
export type Place = {
  /** An absolute folder or the URI of an object store. */
  readonly uri: string;
  readonly isTable: boolean;
  /** Opens the place, and what lies below it. */
  readonly storeOf: (uri: string) => ObjectStore;
  /** What is configured for the table at `uri`; undefined without a configuration, and for a table outside of its databases. */
  readonly policyOf: (uri: string) => TablePolicy | undefined;
  /** Name of the database that the place is or lies in, for the catalogs. */
  readonly database: string;
  readonly catalogs: TableCatalogs;
  /** `<database>/<table>`, if the place was given so. */
  readonly id: string | undefined;
  /** As `policyOf`, of how a table is compacted and cleaned up. */
  readonly maintainOf: (uri: string) => MaintainTexts | undefined;
};

/**
 * With a configuration, `given` may be the name of a database, or `<database>/<table>`: a path of that kind is written `./lake`. No I/O:
 * `located` finds what only a catalog knows. Errors: usage; config_unreadable and config_invalid.
 */
export async function findPlace(io: Invocation, given: string, options: PlaceOptions): Promise<Place> {
  const config = isConfigured(options.config, io.env) ? await configOf(io, options.config) : undefined;
  const name = config && named(config, given);
  const uri = locationOf(given, io.cwd);
  if (!name) io.placeNote = placeNote(given, uri, config && Object.keys(config.databases));
  return placeAt(io, config, name ?? { uri, isTable: namesTable(given), id: undefined }, options);
}

/** Every database of the configuration. No I/O. Errors: as findPlace. */
export async function configuredPlaces(io: Invocation, options: PlaceOptions): Promise<Place[]> {
  const config = await configOf(io, options.config);
  return Object.values(config.databases).map(({ uri }) =>
    placeAt(io, config, { uri, isTable: false, id: undefined }, options),
  );
}

function placeAt({ env, cwd }: Invocation, config: Config | undefined, place: Named, options: PlaceOptions): Place {
  const { uri, isTable } = place;
  // Databases may be nested: the innermost has it.
  const [name, database] =
    Object.entries(config?.databases ?? {})
      .filter(([, it]) => isWithin(uri, it.uri))
      .sort(([, a], [, b]) => b.uri.length - a.uri.length)[0] ?? [];
  const storageOptions = { ...database?.storage_options, ...givenOptions(uri, options.storageOption ?? [], cwd) };
  const problems = storageOptionsProblem(uri, storageOptions, env);
  if (problems.length > 0) throw new SegmentdError('usage', `storage options: ${problems.join('\n  ')}`);
  const storeOf = (at: string) => openStore(at, storageOptions);
  // A folder in a configured database may be a database of its own.
  const around = isTable || isMade(uri) ? folderAround(uri) : uri;
  const isKnown = name !== undefined && (around !== uri || database?.uri === uri);
  const databases = config && isKnown ? databasesOf(config) : new Map([[NAMELESS, around]]);
  const catalogs = new TableCatalogs({ databases, storeOf, read: readCatalog });
  const policyOf = (at: string) => policyAt(at, isKnown ? config : undefined, catalogs);
  const maintainOf = (at: string) => maintainAt(at, isKnown ? config : undefined, catalogs);
  return { ...place, storeOf, policyOf, maintainOf, database: isKnown ? name : NAMELESS, catalogs };
}

/** What reads a configuration takes longer to load than most commands without one take. */
async function configOf({ env, cwd }: Invocation, file: string | undefined): Promise<Config> {
  const { loadConfig } = await import('../../config/load.ts');
  return loadConfig({ file, env, cwd });
}

/** Stands for a database that no configuration names. */
const NAMELESS = 'given';

const folderAround = (uri: string) => uri.slice(0, uri.lastIndexOf('/')) || '/';
const isMade = (uri: string) => madeName(uri.slice(uri.lastIndexOf('/') + 1)) !== undefined;

function policyAt(uri: string, config: Config | undefined, catalogs: TableCatalogs): TablePolicy | undefined {
  const table = refAt(catalogs.databases, uri);
  if (!table) return undefined;
  const policy = config && tablePolicy(config, table.id);
  return catalogs.isManaged(table) ? { ...DEFAULT_POLICY, ...policy, managedVersioning: true } : policy;
}

function maintainAt(uri: string, config: Config | undefined, catalogs: TableCatalogs): MaintainTexts | undefined {
  const id = refAt(catalogs.databases, uri)?.id;
  const own = id === undefined ? undefined : config?.tables[id]?.maintain;
  const said = own === 'off' ? undefined : own;
  return (
    config && {
      keep_versions_for: said?.keep_versions_for ?? config.maintain.keep_versions_for,
      max_memory: said?.max_memory ?? config.maintain.max_memory,
    }
  );
}

/**
 * The place as the catalog of its database has it. A folder that LanceDB made for a table of a catalog is a table, whether or not it is
 * listed. Errors: catalog_unreadable, store_unavailable, store_denied.
 */
export async function located(place: Place): Promise<Place> {
  const { uri, storeOf, database, catalogs, id } = place;
  const isTable = place.isTable || (isMade(uri) && (await isTableFolder(storeOf(uri))));
  if (!isTable) return place;
  try {
    await catalogs.refresh(database);
  } catch (error) {
    // A table in a folder `<table>.lance` is found without, also by who may see nothing but that folder.
    if (!namesTable(uri) || !(error instanceof SegmentdError)) throw error;
  }
  return { ...place, isTable, uri: id === undefined ? uri : resolveTable(catalogs.databases, id).uri };
}

export type OpenedTable = {
  readonly table: LanceTable;
  readonly policy: TablePolicy | undefined;
  readonly maintain: MaintainTexts | undefined;
};

/** The table that was given, and its policy where one is configured. Errors: as findPlace and located; table_managed_versioning. */
export async function openTable(io: Invocation, given: string, options: PlaceOptions): Promise<OpenedTable> {
  const { uri, isTable, storeOf, policyOf, maintainOf } = await located(await findPlace(io, given, options));
  if (!isTable) {
    const note = io.placeNote === undefined ? '' : `; ${io.placeNote}`;
    throw new SegmentdError('usage', `${shownUri(given)} is no table: ${whyNoTable(uri)}${note}`);
  }
  const policy = policyOf(uri);
  if (policy?.managedVersioning) throw new SegmentdError(MANAGED_VERSIONING.code, MANAGED_VERSIONING.message);
  return { table: new LanceTable(storeOf(uri)), policy, maintain: maintainOf(uri) };
}

function whyNoTable(uri: string): string {
  const [, branch] = BRANCH.exec(uri) ?? [];
  return branch === undefined
    ? 'those are folders that end in .lance'
    : `it is the branch ${branch} of one, and segmentd serves main branches`;
}

const BRANCH = /(?:\.lance|\/[0-9a-f]{8}_[^/]*)\/tree\/(.+)$/;

type Named = Pick<Place, 'uri' | 'isTable' | 'id'>;

const TABLE_NAME = new RegExp(`^${LISTED_NAME_PATTERN}$`);

function named(config: Config, given: string): Named | undefined {
  if (isPlace(given)) return undefined;
  const databases = databasesOf(config);
  const [database = '', table] = given.split('/');
  const uri = databases.get(database);
  if (uri === undefined) return undefined;
  if (table === undefined) return { uri, isTable: false, id: undefined };
  if (!TABLE_NAME.test(table)) return undefined;
  return { uri: resolveTable(databases, given).uri, isTable: true, id: given };
}

const isWithin = (uri: string, base: string) => uri === base || uri.startsWith(base.endsWith('/') ? base : `${base}/`);

/** The table that lies there by its name, undefined for other places. */
function refAt(databases: Databases, uri: string): TableRef | undefined {
  try {
    return resolveTable(databases, uri);
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
      const [name, value] = [text.slice(0, at), text.slice(at + 1)];
      // What is no name may be a secret, of which many end in =, and is not repeated.
      if (at < 1 || !/^[A-Za-z][\w.]*$/.test(name) || /^=?$/.test(value)) {
        throw new SegmentdError('usage', '--storage-option is written <name>=<value>');
      }
      const isPath = isStoreUri(uri) && isPathOption(schemeOf(uri), name);
      return [name, isPath ? resolve(cwd, value) : value];
    }),
  );
}
