/** All scenarios, in the order in which `all` runs them. */
import type { Scenario } from '../harness/scenario.ts';
import { backfill } from './backfill.ts';
import { columns } from './columns.ts';
import { commit } from './commit.ts';
import { freshness } from './freshness.ts';
import { indexes } from './indexes.ts';
import { kinds } from './kinds.ts';
import { lookups } from './lookups.ts';
import { memory } from './memory.ts';
import { pipeline } from './pipeline.ts';
import { start } from './start.ts';
import { stores } from './stores.ts';
import { tables } from './tables.ts';

export const SCENARIOS: readonly Scenario[] = [
  freshness,
  indexes,
  columns,
  commit,
  lookups,
  start,
  pipeline,
  tables,
  backfill,
  stores,
  kinds,
  memory,
];
