/** What the rows of a catalog mean for segmentd. Pure. */
import type { CatalogRow } from '../lance/engine/catalog-rows.ts';
import { LISTED_NAME_PATTERN } from '../lib/table-name.ts';

/** A table that a catalog lists. */
export type CatalogEntry = {
  /** Namespaces and name, with `$` between them. */
  readonly name: string;
  /** Its folder, from the database on. */
  readonly location: string;
  /** Whether the catalog decides which version is the latest. */
  readonly managed: boolean;
};

export type CatalogEntries = {
  readonly tables: readonly CatalogEntry[];
  /** Names of tables that no event can name, or that do not lie in a folder of their own inside the database. */
  readonly unfit: readonly string[];
};

const DELIMITER = '$';
const NAME = new RegExp(`^${LISTED_NAME_PATTERN}$`);
/** No part leads upwards or is an escape; nothing inside of another table is a table, nor is a branch. */
const LOCATION =
  /^(?!__manifest(?:\/|$))(?!.*(?:\.lance|\/tree)\/)(?:(?!\.{1,2}(?:\/|$))[A-Za-z0-9_.$-]+(?:\/(?!$)|$))+$/;

export function catalogEntries(rows: readonly CatalogRow[]): CatalogEntries {
  const managed = managedObjects(rows);
  const tables: CatalogEntry[] = [];
  const unfit: string[] = [];
  for (const { objectId: name, objectType, location } of rows) {
    if (objectType !== 'table') continue;
    if (!NAME.test(name) || location === null || !LOCATION.test(location)) unfit.push(name);
    else tables.push({ name, location, managed: around(name).some((object) => managed.has(object)) });
  }
  return { tables, unfit };
}

/** Tables and namespaces whose versions the catalog manages. */
function managedObjects(rows: readonly CatalogRow[]): Set<string> {
  return new Set(
    rows.flatMap(({ objectId, objectType, metadata }) => {
      if (objectType === 'table_version') return [objectId.slice(0, objectId.lastIndexOf(DELIMITER))];
      return saysManaged(metadata) ? [objectId] : [];
    }),
  );
}

/** A table and the namespaces that it lies in. */
function around(name: string): string[] {
  const parts = name.split(DELIMITER);
  return parts.map((_, at) => parts.slice(0, at + 1).join(DELIMITER));
}

function saysManaged(metadata: string | null): boolean {
  if (metadata === null) return false;
  try {
    const properties: unknown = JSON.parse(metadata);
    const value = (properties as Record<string, unknown> | null)?.managed_versioning;
    return String(value).toLowerCase() === 'true';
  } catch {
    return false;
  }
}
