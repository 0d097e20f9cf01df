/** How the commands to the daemons find a table of a configured database. */
import type { Environment } from '../../config/env.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { TableCatalogs } from '../../control/table-catalogs.ts';
import { databasesOf, storesOf } from '../../daemon/configured-stores.ts';
import { resolveTable } from '../../events/table-address.ts';
import { LanceTable } from '../../lance/table/table.ts';
import { messageOf, SegmentdError } from '../../lib/errors.ts';
import { isConfigured } from '../../lib/is-configured.ts';
import { sleep } from '../../lib/sleep.ts';
import type { TableRef } from '../../model.ts';
import { addressOf, isPlace, placeNote } from '../tables/given-place.ts';
import { readCatalog } from '../tables/read-catalog.ts';
import type { Invocation } from '../terminal/io.ts';
import { printableLines, printLine } from '../terminal/output.ts';

type Asked = {
  readonly file: string | undefined;
  /** What options of the command line say, as variables. */
  readonly more?: Environment;
  /** The command needs no list of databases: without a configuration, the one in the address is taken as it is. */
  readonly isNameEnough: boolean;
};

export type AskedTable = {
  readonly config: Config;
  readonly table: TableRef;
  /** Whether it is known where the table lies. */
  readonly isPlaceKnown: boolean;
};

/** The configuration, and the table that `given` names in it. No I/O but to read the configuration. Errors: usage, config_*, event_*. */
export function askedTable(io: Invocation, given: string, { file, more = {}, isNameEnough }: Asked): AskedTable {
  const { env, cwd } = io;
  const isPlaceKnown = isConfigured(file, env);
  if (!isPlaceKnown && isPlace(given)) {
    const message = `${given} is a path or a URI, and a configuration says which database it lies in: give -c, or <database>/<table>`;
    throw new SegmentdError('usage', message);
  }
  const [database = ''] = given.split('/');
  const isFree = isNameEnough && !isPlaceKnown && /^[a-z0-9][a-z0-9_-]*$/.test(database);
  const free = isFree ? { SEGMENTD_DATABASES: `{${database}: /${database}}` } : {};
  const config = loadConfig({ file, cwd, env: { ...env, ...free, ...more } });
  return { config, table: tableOf(io, config, given), isPlaceKnown };
}

function tableOf(io: Invocation, config: Config, given: string): TableRef {
  const address = addressOf(given, io.cwd);
  if (address !== given) io.placeNote = placeNote(given, address, Object.keys(config.databases));
  return resolveTable(databasesOf(config), address);
}

type OpenedTable = { readonly ref: TableRef; readonly table: LanceTable; readonly isManaged: boolean };

/** The table where the catalog of its database has it. Errors: catalog_unreadable, store_*. */
export async function openConfigured(config: Config, { id, database }: TableRef): Promise<OpenedTable> {
  const storeOf = storesOf(config);
  const catalogs = new TableCatalogs({ databases: databasesOf(config), storeOf, read: readCatalog });
  await catalogs.refresh(database);
  const ref = resolveTable(catalogs.databases, id);
  return { ref, table: new LanceTable(storeOf(ref.uri)), isManaged: catalogs.isManaged(ref) };
}

/** A store that takes longer is not worth the wait, milliseconds. */
const MOST_MS = 3_000;

/**
 * Looks whether the table is there before something is said about it that nobody answers. Where this machine cannot tell, a line on
 * standard error says so. `timeoutMs`: of the whole command, of which this takes half at most. Errors: event_table_not_found with `hint`.
 */
export async function refuseMissing(
  io: Invocation,
  { config, table }: Pick<AskedTable, 'config' | 'table'>,
  { timeoutMs, hint }: { readonly timeoutMs: number; readonly hint: string },
): Promise<void> {
  io.doing(`looking for ${table.id}`);
  const late = new Error('its store did not answer in time');
  const looked = sleep(Math.min(MOST_MS, timeoutMs / 2), undefined, { ref: false }).then(() => late);
  const problem = await Promise.race([whyUnseen(config, table), looked]);
  if (problem === undefined) return;
  if (problem instanceof SegmentdError && problem.code === 'table_not_found') {
    throw new SegmentdError('event_table_not_found', `there is no table ${table.id}`, { cause: problem, hint });
  }
  const text = `it is not known whether there is a table ${table.id}: ${messageOf(problem)}`;
  printLine(io.stderr, `warning: ${printableLines(text)}`);
}

/** One that cannot be read is there. */
async function whyUnseen(config: Config, ref: TableRef): Promise<unknown> {
  try {
    await (await openConfigured(config, ref)).table.latest();
    return undefined;
  } catch (error) {
    const isSeen = error instanceof SegmentdError && error.retry === 'never' && error.code !== 'table_not_found';
    return isSeen ? undefined : error;
  }
}
