/** Waits until the rows of a version are indexed. */
import { waitUntilCovered } from '../../control/wait-until-covered.ts';
import { surveyIndexes } from '../../lance/plan/index-plan.ts';
import type { TablePolicy } from '../../lance/plan/row-ids.ts';
import type { LanceTable } from '../../lance/table/table.ts';
import { EXIT } from '../../lib/errors.ts';
import type { Invocation } from '../terminal/io.ts';
import { printJson, printLine, printLines } from '../terminal/output.ts';
import type { WaitAnswer } from './json-answers.ts';
import { formatLeft, leftFacts, leftToSay } from './left-alone.ts';
import type { PlaceOptions } from './places.ts';
import { openTable } from './places.ts';

export type WaitOptions = PlaceOptions & { version: number; timeout: number; column?: string[]; json?: boolean };

export async function wait(
  io: Invocation,
  uri: string,
  { version, timeout, column, json, ...place }: WaitOptions,
): Promise<void> {
  const { table, policy: configured } = await openTable(io, uri, place);
  const policy: TablePolicy = {
    wanted: column?.map((name) => ({ column: name })) ?? configured?.wanted ?? 'existing',
    // Whether the daemon rebuilds tables with stable row ids is in its configuration: without it, they are waited for.
    stableRowIds: configured?.stableRowIds ?? 'rebuild',
    minRows: configured?.minRows,
  };
  const startMs = performance.now();
  const { covered, latestVersion } = await waitUntilCovered(table, { version, policy, timeoutMs: timeout });
  const left = covered || latestVersion === null ? [] : await leftBy(table, policy);
  const waitedMs = Math.round(performance.now() - startMs);
  if (json)
    printJson(io.stdout, {
      ...{ uri: table.uri, version, covered, latest_version: latestVersion, waited_ms: waitedMs },
      left_alone: leftFacts(left),
    } satisfies WaitAnswer);
  else {
    const latest = latestVersion === null ? 'no version was seen' : `the latest is ${latestVersion}`;
    printLine(io.stdout, `version ${version} is ${covered ? '' : 'not '}covered after ${waitedMs} ms; ${latest}`);
    printLines(io.stdout, formatLeft(left));
  }
  if (!covered) io.exitCode = EXIT.findings;
}

/** Indexes that are no part of what is waited for. */
async function leftBy(table: LanceTable, { wanted, minRows }: TablePolicy) {
  return leftToSay(surveyIndexes(await table.latest(), wanted, minRows), wanted);
}
