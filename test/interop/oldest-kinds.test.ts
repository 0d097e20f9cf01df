/** A kind that is younger than the oldest pylance that we share tables with, beside the first one that reads it. */
import { describe } from 'vitest';
import { KINDS_UNDER_TEST } from '../../testing/kinds.ts';
import { ALL_PYLANCE, PYLANCE_VERSIONS } from '../../testing/pylance.ts';
import { kindsOfIndex } from './kinds-of-index.ts';
import { tablesOfPylance } from './pylance-table.ts';

const majorOf = (version: string) => Number.parseInt(version, 10);
const first = new Set(KINDS_UNDER_TEST.map(({ since }) => since));
const versions = ALL_PYLANCE.filter((version) => first.has(majorOf(version)) && version !== PYLANCE_VERSIONS.oldest);

describe.each(versions)('a table with an index of each kind, pylance %s,', (version) => {
  kindsOfIndex(majorOf(version), tablesOfPylance(version));
});
