/**
 * The tables of the configured databases: those in folders `<table>.lance`, which a listing shows, and those of its catalog, if it has
 * one. Folders of catalogued tables show a name too, but not the truth: what was renamed keeps its old one, and what was deregistered, or
 * never finished, is still there. So the catalog's rows are read, once for each version of it.
 */
import type { Databases, ListedTables } from '../events/table-address.ts';
import { resolveTable } from '../events/table-address.ts';
import type { Manifest } from '../lance/codec/manifest.ts';
import type { CatalogRow } from '../lance/engine/catalog-rows.ts';
import type { TablePlace } from '../lance/segment.ts';
import { LanceTable } from '../lance/table/table.ts';
import { SegmentdError } from '../lib/errors.ts';
import { TABLE_SUFFIX } from '../lib/table-name.ts';
import type { TableRef } from '../model.ts';
import { CATALOG_FOLDER, listDatabase } from '../store/list-tables.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { CatalogEntry } from './catalog-entries.ts';
import { catalogEntries } from './catalog-entries.ts';

/** Reads the rows of the catalog at a place as of a manifest. Errors: catalog_unreadable. */
export type ReadCatalog = (manifest: Manifest, place: TablePlace) => Promise<readonly CatalogRow[]>;

type Parts = {
  readonly databases: ReadonlyMap<string, string>;
  /** Opens a database, and what lies in it. */
  readonly storeOf: (uri: string) => ObjectStore;
  readonly read: ReadCatalog;
  /** For tests: milliseconds since the epoch. */
  readonly now?: () => number;
};

/** A database as a look found it. */
export type DatabaseListing = {
  /** Names of its tables, sorted. */
  readonly names: readonly string[];
  /** Tables of its catalog that are not served for their name or place. */
  readonly unfit: readonly string[];
  /** Why the catalog could not be read; what was known of it stays. */
  readonly problem?: SegmentdError;
};

type Catalog = {
  readonly table: LanceTable;
  /** Names of the folders `<table>.lance`, as far as they were listed. */
  plain: ReadonlySet<string>;
  manifest: Manifest | null;
  byName: ReadonlyMap<string, CatalogEntry>;
  byLocation: ReadonlyMap<string, CatalogEntry>;
  unfit: readonly string[];
  lookedAtMs: number;
  looking: Promise<void> | null;
};

const NOTHING = { manifest: null, byName: new Map(), byLocation: new Map(), unfit: [] } as const;

export class TableCatalogs implements ListedTables {
  /** The databases, for resolveTable. */
  readonly databases: Databases;
  changes = 0;
  readonly #catalogs = new Map<string, Catalog>();
  readonly #parts: Parts;
  readonly #now: () => number;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    this.databases = Object.assign(new Map(parts.databases), { listed: this as ListedTables });
  }

  locationOf(database: string, name: string): string | undefined {
    const catalog = this.#of(database);
    return isShadowed(catalog, name) ? undefined : catalog.byName.get(name)?.location;
  }

  nameOf(database: string, location: string): string | undefined {
    const name = this.#of(database).byLocation.get(location)?.name;
    return name !== undefined && this.locationOf(database, name) === location ? name : undefined;
  }

  /** Whether the catalog of its database decides which version of a table is the latest. */
  isManaged({ database, name }: Pick<TableRef, 'database' | 'name'>): boolean {
    const location = this.locationOf(database, name) ?? folderOf(name);
    return this.#of(database).byLocation.get(location)?.managed ?? false;
  }

  /** The tables of a database, or null when it is not there (yet). Errors: store_unavailable, store_denied. */
  async look(database: string): Promise<DatabaseListing | null> {
    const catalog = this.#of(database);
    const listed = await listDatabase(this.#parts.storeOf(this.#parts.databases.get(database) as string));
    if (listed === null) return null;
    const plain = new Set(listed.tables);
    if (!isSame(plain, catalog.plain)) this.#change(catalog, { plain });
    const problem = await this.#update(catalog, listed.hasCatalog);
    const entries = [...catalog.byName.values()];
    const more = entries.filter(({ name }) => this.#isIdOf(database, name)).map(({ name }) => name);
    const names = [...listed.tables.filter((name) => !hasOtherName(catalog, name)), ...more].sort();
    const shadowed = entries.filter(({ name, location }) => isShadowed(catalog, name) && location !== folderOf(name));
    return { names, unfit: [...catalog.unfit, ...shadowed.map(({ name }) => name)], ...(problem && { problem }) };
  }

  /** Looks at every database; `failed` is told of those where that was not possible. */
  async lookAll(failed: (database: string, error: unknown) => void): Promise<void> {
    const looks = [...this.#parts.databases.keys()].map(async (database) => {
      try {
        const listing = await this.look(database);
        if (listing?.problem) failed(database, listing.problem);
      } catch (error) {
        failed(database, error);
      }
    });
    await Promise.all(looks);
  }

  /**
   * Where a table lies now that was not found at its place: the catalog is looked at again, as often as is worth it. Where none is known,
   * only names with namespaces are looked up. Errors: catalog_unreadable, store_unavailable, store_denied.
   */
  async locate(table: TableRef): Promise<TableRef> {
    const catalog = this.#of(table.database);
    if (!catalog.manifest && !table.name.includes('$')) return table;
    if (this.#now() - catalog.lookedAtMs >= catalog.table.lookEveryMs) await this.refresh(table.database);
    return resolveTable(this.databases, table.id);
  }

  /** Reads the catalog of a database, if it has one that has changed. Errors: catalog_unreadable, store_unavailable, store_denied. */
  async refresh(database: string): Promise<void> {
    const problem = await this.#update(this.#of(database), true);
    if (problem) throw problem;
  }

  /** Reads the catalog when it has changed. One look at a time: whoever comes meanwhile shares it. */
  async #update(catalog: Catalog, isThere: boolean): Promise<SegmentdError | undefined> {
    if (!isThere) {
      if (catalog.manifest) this.#change(catalog, NOTHING);
      return undefined;
    }
    try {
      catalog.looking ??= this.#read(catalog).finally(() => {
        catalog.looking = null;
      });
      await catalog.looking;
      return undefined;
    } catch (error) {
      if (error instanceof SegmentdError && error.code === 'catalog_unreadable') return error;
      throw error;
    }
  }

  async #read(catalog: Catalog): Promise<void> {
    const startedAtMs = this.#now();
    const manifest = await latestOf(catalog.table);
    if (manifest !== catalog.manifest) {
      const rows = manifest ? await this.#parts.read(manifest, catalog.table.place()) : [];
      const { tables, unfit } = catalogEntries(rows);
      const byName = new Map(tables.map((entry) => [entry.name, entry]));
      const byLocation = new Map(tables.map((entry) => [entry.location, entry]));
      this.#change(catalog, { manifest, byName, byLocation, unfit });
    }
    catalog.lookedAtMs = startedAtMs;
  }

  #change(catalog: Catalog, news: Partial<Catalog>): void {
    Object.assign(catalog, news);
    this.changes += 1;
  }

  /** Whether a table of the catalog has its id by that name; one in a folder `<table>.lance` has that of the folder. */
  #isIdOf(database: string, name: string): boolean {
    const isListed = this.locationOf(database, name) !== undefined;
    return isListed && resolveTable(this.databases, `${database}/${name}`).name === name;
  }

  #of(database: string): Catalog {
    const known = this.#catalogs.get(database);
    if (known) return known;
    const base = this.#parts.databases.get(database)?.replace(/\/+$/, '') ?? '';
    const table = new LanceTable(this.#parts.storeOf(`${base}/${CATALOG_FOLDER}`), { now: this.#now });
    const catalog = {
      table,
      plain: new Set<string>(),
      ...NOTHING,
      lookedAtMs: Number.NEGATIVE_INFINITY,
      looking: null,
    };
    this.#catalogs.set(database, catalog);
    return catalog;
  }
}

const folderOf = (name: string) => `${name}${TABLE_SUFFIX}`;

/** Whether a folder `<table>.lance` has that name: LanceDB without namespaces opens it. */
const isShadowed = ({ plain }: Catalog, name: string) => !name.includes('$') && plain.has(name);

/** Whether a folder that ends in `.lance` is one that the catalog lists, where its name has namespaces. */
const hasOtherName = ({ byLocation }: Catalog, name: string) => name.includes('$') && byLocation.has(folderOf(name));

const isSame = (a: ReadonlySet<string>, b: ReadonlySet<string>) => a.size === b.size && [...a].every((it) => b.has(it));

/** Null when there is no catalog. A manifest that says nothing sensible may be replaced by one that does. */
async function latestOf(table: LanceTable): Promise<Manifest | null> {
  try {
    return await table.latest();
  } catch (error) {
    if (!(error instanceof SegmentdError) || error.retry !== 'never') throw error;
    if (error.code === 'table_not_found') return null;
    throw new SegmentdError('catalog_unreadable', error.message, { cause: error });
  }
}
