/** A table that is asked, as LanceDB can open it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Connection, Table } from '@lancedb/lancedb';
import { isStoreUri } from '../../lib/store-uri.ts';
import { madeName, TABLE_NAME_PATTERN } from '../../lib/table-name.ts';
import type { TablePlace } from '../segment.ts';
import { lancedb } from './lancedb.ts';

const PLAIN = new RegExp(`^${TABLE_NAME_PATTERN}$`);

/** Opens the table at `place`, runs `ask` and closes it. Errors are LanceDB's own, and engine_unloadable. */
export async function withAskedTable<T>(
  { uri, storageOptions }: Pick<TablePlace, 'uri' | 'storageOptions'>,
  ask: (table: Table) => Promise<T>,
): Promise<T> {
  const { table, connection, remove } = await openTable(uri, storageOptions);
  try {
    return await ask(table);
  } finally {
    table.close();
    connection.close();
    remove();
  }
}

type Opened = { readonly table: Table; readonly connection: Connection; remove(): void };

/**
 * LanceDB opens no table without `.lance` by its place. On a disk it is read through a shallow clone; a clone of a table in an object store
 * would not get the storage options, so that one is opened by the name in its folder, which has to be in the catalog.
 */
async function openTable(uri: string, options: TablePlace['storageOptions']): Promise<Opened> {
  const { connect } = await lancedb();
  const storageOptions = { ...options };
  const name = basename(uri, '.lance');
  const isPlain = PLAIN.test(name) && uri.endsWith('.lance');
  if (isPlain || isStoreUri(uri)) {
    const connection = await connect(dirname(uri), { storageOptions });
    const path = isPlain ? [name] : (madeName(basename(uri)) ?? name).split('$');
    return {
      table: await connection.openTable(path.at(-1) ?? '', path.slice(0, -1), { storageOptions }),
      connection,
      remove: () => undefined,
    };
  }
  const scratch = mkdtempSync(join(tmpdir(), 'segmentd-verify-'));
  const remove = () => rmSync(scratch, { recursive: true, force: true });
  try {
    const connection = await connect(scratch);
    return { table: await connection.cloneTable('clone', uri, { isShallow: true }), connection, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
