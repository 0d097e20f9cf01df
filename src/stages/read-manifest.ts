/** Reads the latest manifest of a table, and notes its facts whether or not they decline the table. */
import { rowsOf } from '../control/index-reports.ts';
import type { Manifest } from '../lance/codec/manifest.ts';
import type { LanceTable } from '../lance/table/table.ts';
import { declinesTable, SegmentdError } from '../lib/errors.ts';
import type { TableRef } from '../model.ts';
import type { PipelineContext } from './context.ts';

/** Errors: those of LanceTable.latest. */
export async function readManifest(
  { tables, states }: Pick<PipelineContext, 'tables' | 'states'>,
  { id, uri }: TableRef,
  how?: Parameters<LanceTable['latest']>[0],
): Promise<Manifest> {
  try {
    const manifest = await tables.open(uri).latest(how);
    states.read(id, { version: manifest.version, rows: rowsOf(manifest) });
    return manifest;
  } catch (error) {
    const isUnreadable =
      error instanceof SegmentdError && declinesTable(error.code) && error.code !== 'table_not_found';
    if (isUnreadable) states.read(id, null);
    throw error;
  }
}
