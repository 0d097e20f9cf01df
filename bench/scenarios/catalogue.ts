/** All scenarios, in the order in which `all` runs them. */
import type { Scenario } from '../harness/scenario.ts';
import { columns } from './columns.ts';
import { freshness } from './freshness.ts';
import { indexes } from './indexes.ts';

export const SCENARIOS: readonly Scenario[] = [freshness, indexes, columns];
