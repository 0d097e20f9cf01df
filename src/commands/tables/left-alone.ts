/** What the commands say of indexes that are left alone. */
import type { IndexSurvey, LeftIndex } from '../../lance/plan/index-plan.ts';
import type { WantedIndexes } from '../../lance/plan/wanted-index.ts';
import { KIND_NAMES } from '../../lib/index-kinds.ts';
import type { LeftAlone } from '../../model.ts';
import { printable } from '../terminal/output.ts';

/**
 * Those that whoever runs a command on the table has to know of: where nothing is kept, why not, and which of the indexes that were named
 * are not.
 */
export function leftToSay({ served, left }: IndexSurvey, wanted: WantedIndexes): readonly LeftIndex[] {
  return served.length === 0 || wanted !== 'existing' ? left : [];
}

export const leftFacts = (left: readonly LeftIndex[]): LeftAlone[] =>
  left.map(({ name, reason: { code, message } }) => ({ index: name, code, message }));

/** A line each, with what to do where there is something. */
export const formatLeft = (left: readonly LeftIndex[]): string[] =>
  left.map((index) => {
    const { name, type, column, reason } = index;
    const on = `${printable(type)} on ${printable(column ?? 'no column of the table')}`;
    return `${printable(name)}  ${on}, left alone: ${reason.code}: ${printable(reason.message)}${remedyOf(index)}`;
  });

function remedyOf({ type, column, reason }: LeftIndex): string {
  const kind = KIND_NAMES.find((name) => name === type.toLowerCase());
  if (reason.code !== 'index_kind_by_name' || !kind || column === null) return '';
  return `. \`segmentd index --column ${printable(column)} --kind ${kind}\` brings it up to date; tables.<id>.indexes lets the daemon keep it`;
}
