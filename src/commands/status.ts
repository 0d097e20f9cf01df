import { Command } from 'commander';
import type { TableFacts } from '../lance/inspect.ts';
import { inspectTable } from '../lance/inspect.ts';
import { tableLocation } from '../lance/location.ts';
import { LanceTable } from '../lance/table.ts';
import { localStore } from '../store/local-store.ts';
import { askDaemon, printDaemonStatus } from './daemon-status.ts';
import { formatBytes, formatShare, formatTable, printJson, printLine } from './output.ts';

export function statusCommand(): Command {
  return new Command('status')
    .description('print what the BTREE indexes of a table cover, or what a daemon says of its tables')
    .argument('[table-uri]', 'directory of the table, ending in .lance')
    .option('--daemon <url>', 'ask a running daemon instead, such as http://127.0.0.1:9464')
    .option('--json', 'print one JSON object')
    .action(status);
}

async function status(
  this: Command,
  uri: string | undefined,
  { daemon, json }: { daemon?: string; json?: boolean },
): Promise<void> {
  if ((uri === undefined) === (daemon === undefined)) this.error('give either a table or --daemon');
  if (daemon !== undefined) {
    const said = await askDaemon(daemon);
    if (json) printJson(said);
    else printDaemonStatus(said);
    return;
  }
  const facts = await inspectTable(new LanceTable(localStore(tableLocation(uri as string, process.cwd()))));
  if (json) printJson(facts);
  else printStatus(facts);
}

function printStatus({ uri, version, rows, fragments, declined, indexes }: TableFacts): void {
  printLine(`${uri}  version ${version}, ${rows.toLocaleString('en-US')} rows in ${fragments} fragments`);
  if (declined) printLine(`declined: ${declined.code}: ${declined.message}`);
  if (indexes.length === 0) printLine('no BTREE index');
  for (const index of indexes) {
    printLine();
    printLine(
      `${index.name}  BTREE on ${index.column}, ${formatShare(index.coverage)} covered: ` +
        `${index.covered_rows.toLocaleString('en-US')} rows, ` +
        `${index.missing_rows.toLocaleString('en-US')} missing in ${index.missing_fragments} fragments, ` +
        `${index.stale_fragments} stale`,
    );
    const header = ['segment', 'fragments', 'rows', 'size', 'built from', 'created'];
    const lines = index.segments.map((segment) => [
      segment.uuid,
      segment.fragments,
      segment.rows,
      formatBytes(segment.bytes),
      segment.built_from_version,
      segment.created_at ?? 'unknown',
    ]);
    if (lines.length > 0) printLine(formatTable(header, lines).replaceAll(/^/gm, '  '));
  }
}
