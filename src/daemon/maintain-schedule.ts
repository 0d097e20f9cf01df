/** When each table is compacted and cleaned up, from the configuration. */
import type { Config } from '../config/schema.ts';
import { byteSize } from '../lib/byte-size.ts';
import { durationMs } from '../lib/duration.ts';
import type { MaintainSettings } from '../maintain/maintain-settings.ts';

/** What holds for the table with this id: what it says itself, else what is said for all. */
export function maintainSettings({ maintain, tables }: Config, id: string): MaintainSettings {
  const own = tables[id]?.maintain;
  const isOff = own === 'off';
  const said = own === undefined || own === 'off' ? {} : own;
  const every = said.optimize_every ?? maintain.optimize_every;
  const when = { ...maintain.compact_when, ...said.compact_when };
  return {
    everyMs: isOff || every === undefined ? null : durationMs(every),
    smallFragments: isOff ? null : (when.small_fragments ?? null),
    deletedFraction: isOff ? null : (when.deleted_fraction ?? null),
    keepVersionsMs: checked(durationMs(said.keep_versions_for ?? maintain.keep_versions_for)),
    maxMemoryBytes: checked(byteSize(said.max_memory ?? maintain.max_memory)),
  };
}

/** The configuration refuses texts that say nothing. */
function checked(value: number | null): number {
  if (value === null) throw new TypeError('the configuration has a time or a size that cannot be read');
  return value;
}
