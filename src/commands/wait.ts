import { Command } from 'commander';
import { waitUntilCovered } from '../control/wait-until-covered.ts';
import { LanceTable } from '../lance/table/table.ts';
import { EXIT } from '../lib/errors.ts';
import { tableLocation } from '../store/location.ts';
import { openStore } from '../store/open-store.ts';
import { timeoutOption, versionNumber } from './arguments.ts';
import type { Invocation } from './io.ts';
import { printJson, printLine } from './output.ts';

const TIMEOUT_S = 30;

type Options = { version: number; timeout: number; column?: string[]; json?: boolean };

export function waitCommand(io: Invocation): Command {
  return new Command('wait')
    .description('wait until the rows of a version are indexed: exit code 0 when they are, 1 when the time is over')
    .argument('<table-uri>', 'directory of the table, ending in .lance')
    .requiredOption('--version <n>', 'the version, such as the one an append returned', versionNumber)
    .addOption(timeoutOption('how long to wait', TIMEOUT_S))
    .option('-C, --column <column...>', 'the indexes of these columns; default: every BTREE index there is')
    .option('--json', 'print one JSON object')
    .action((uri: string, options: Options) => wait(io, uri, options));
}

async function wait(io: Invocation, uri: string, { version, timeout, column, json }: Options): Promise<void> {
  const table = new LanceTable(openStore(tableLocation(uri, io.cwd)));
  // Whether the daemon rebuilds tables with stable row ids is in its configuration: here they are waited for.
  const policy = { wanted: column?.map((name) => ({ column: name })) ?? 'existing', stableRowIds: 'rebuild' } as const;
  const startMs = performance.now();
  const { covered, latestVersion } = await waitUntilCovered(table, { version, policy, timeoutMs: timeout });
  const waitedMs = Math.round(performance.now() - startMs);
  if (json)
    printJson(io.stdout, { uri: table.uri, version, covered, latest_version: latestVersion, waited_ms: waitedMs });
  else {
    const latest = latestVersion === null ? 'no version was seen' : `the latest is ${latestVersion}`;
    printLine(io.stdout, `version ${version} is ${covered ? '' : 'not '}covered after ${waitedMs} ms; ${latest}`);
  }
  if (!covered) io.exitCode = EXIT.findings;
}
