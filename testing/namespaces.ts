/** Real LanceDB databases with namespaces. */
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Connection, Table } from '@lancedb/lancedb';
import { connect } from '@lancedb/lancedb';
import { onTestFinished } from 'vitest';
import { people } from './people.ts';
import type { Pylance } from './pylance.ts';

const run = promisify(execFile);

/** A connection that goes with the test; LanceDB makes a catalog with the first namespace. */
export async function connected(database: string, storageOptions: Record<string, string> = {}): Promise<Connection> {
  const connection = await connect(database, { storageOptions, readConsistencyInterval: 0 });
  onTestFinished(() => connection.close());
  return connection;
}

/** A table of people in these namespaces; closed when the test ends. */
export async function tableIn(connection: Connection, path: string[], name: string, rows: number): Promise<Table> {
  const table = await connection.createTable(name, people(0, rows), path);
  onTestFinished(() => table.close());
  return table;
}

/** The folder that LanceDB made for a table of the catalog. */
export async function folderOf(database: string, name: string): Promise<string> {
  const found = (await readdir(database)).filter((folder) => /^[0-9a-f]{8}_/.test(folder) && folder.slice(9) === name);
  if (found.length !== 1) throw new Error(`${found.length} folders for ${name} in ${database}`);
  return join(database, found[0] as string);
}

const RENAME = `
import sys, lance_namespace as ln
root, folder, old, new = sys.argv[1:]
ns = ln.connect('dir', {'root': root})
ns.deregister_table(ln.DeregisterTableRequest(id=old.split('$')))
ns.register_table(ln.RegisterTableRequest(id=new.split('$'), location=folder))
`;

/** Renames a table of the catalog as one can: its folder stays. `folder` is its name within the database. */
export async function renameListed(
  pylance: Pylance,
  database: string,
  folder: string,
  [old, name]: readonly [string, string],
): Promise<void> {
  await run(pylance.python, ['-s', '-c', RENAME, database, folder, old, name], { env: pylance.env });
}

const STORE_VERSIONS = `
import sys, pyarrow as pa, lance, lance.namespace, lance_namespace as ln
ns = lance.namespace.DirectoryNamespace(
    root=sys.argv[1], table_version_tracking_enabled='true', table_version_storage_enabled='true')
ns.create_namespace(ln.CreateNamespaceRequest(id=['stored']))
data = pa.table({'id': pa.array([1, 2], pa.int64())})
lance.write_dataset(data, namespace_client=ns, table_id=['stored', 't'], mode='create')
`;

/** Makes the table `stored$t` of a catalog that keeps its versions itself, which pylance 11 and newer no longer do. */
export async function storeVersions(pylance: Pylance, database: string): Promise<void> {
  await run(pylance.python, ['-s', '-c', STORE_VERSIONS, database], { env: pylance.env });
}
