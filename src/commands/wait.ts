import { Command, InvalidArgumentError, Option } from 'commander';
import { waitUntilCovered } from '../control/wait-until-covered.ts';
import { LanceTable } from '../lance/table/table.ts';
import { durationMs } from '../lib/duration.ts';
import { EXIT } from '../lib/errors.ts';
import { localStore } from '../store/local-store.ts';
import { tableLocation } from '../store/location.ts';
import { versionNumber } from './arguments.ts';
import { printJson, printLine } from './output.ts';

const TIMEOUT_MS = 30_000;

type Options = { version: number; timeout: number; column?: string[]; json?: boolean };

export function waitCommand(): Command {
  return new Command('wait')
    .description('wait until the rows of a version are indexed: exit code 0 when they are, 1 when the time is over')
    .argument('<table-uri>', 'directory of the table, ending in .lance')
    .requiredOption('--version <n>', 'the version, such as the one an append returned', versionNumber)
    .addOption(
      new Option('--timeout <time>', 'how long to wait, such as 500ms, 30s or 5m')
        .argParser(duration)
        .default(TIMEOUT_MS, `${TIMEOUT_MS / 1000}s`),
    )
    .option('-C, --column <column...>', 'the indexes of these columns; default: every BTREE index there is')
    .option('--json', 'print one JSON object')
    .action(wait);
}

function duration(text: string): number {
  const ms = durationMs(text);
  if (ms === null) throw new InvalidArgumentError('expected a number with its unit: ms, s, m or h');
  return ms;
}

async function wait(uri: string, { version, timeout, column, json }: Options): Promise<void> {
  const table = new LanceTable(localStore(tableLocation(uri, process.cwd())));
  // Whether the daemon rebuilds tables with stable row ids is in its configuration: here they are waited for.
  const policy = { wanted: column?.map((name) => ({ column: name })) ?? 'existing', stableRowIds: 'rebuild' } as const;
  const startMs = performance.now();
  const { covered, latestVersion } = await waitUntilCovered(table, { version, policy, timeoutMs: timeout });
  const waitedMs = Math.round(performance.now() - startMs);
  if (json) printJson({ uri: table.uri, version, covered, latest_version: latestVersion, waited_ms: waitedMs });
  else {
    const latest = latestVersion === null ? 'no version was seen' : `the latest is ${latestVersion}`;
    printLine(`version ${version} is ${covered ? '' : 'not '}covered after ${waitedMs} ms; ${latest}`);
  }
  if (!covered) process.exitCode = EXIT.findings;
}
