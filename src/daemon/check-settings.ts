/** Which tables are checked after commits, from the configuration. */
import type { Config } from '../config/schema.ts';

/** What is checked of a table. `every`: commits per check; 0: none. */
export type CheckSettings = { readonly every: number; readonly samples: number };

type Checks = Pick<Config, 'verify' | 'tables'>;

/** What holds for the table with this id: what it says itself, else what is said for all. */
export function checkSettings({ verify, tables }: Checks, id: string): CheckSettings {
  const own = tables[id]?.verify;
  if (own === 'off') return { every: 0, samples: verify.samples };
  return { every: own?.sample_every ?? verify.sample_every, samples: own?.samples ?? verify.samples };
}

/** Whether any table is checked. */
export function checksAny(config: Checks): boolean {
  return config.verify.sample_every > 0 || Object.keys(config.tables).some((id) => checkSettings(config, id).every > 0);
}
