import { Command, InvalidArgumentError } from 'commander';
import type { Verification } from '../lance/inspect/verify-table.ts';
import { LanceTable } from '../lance/table/table.ts';
import { EXIT } from '../lib/errors.ts';
import { localStore } from '../store/local-store.ts';
import { tableLocation } from '../store/location.ts';
import { printJson, printLine } from './output.ts';

/** Enough to notice a segment that answers wrongly for a whole fragment, little enough for a scan each. */
const SAMPLES = 10;

export function verifyCommand(): Command {
  return new Command('verify')
    .description(
      'prove the BTREE segments of a table: files, bitmaps, metadata, sampled answers; exit code 1 on findings',
    )
    .argument('<table-uri>', 'directory of the table, ending in .lance')
    .option(
      '--samples <n>',
      'values per index to compare with a scan; 0 reads the manifest and file sizes only',
      count,
      SAMPLES,
    )
    .option('--json', 'print one JSON object')
    .action(verify);
}

function count(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('expected a number up to 9999');
  return Number(text);
}

async function verify(uri: string, { samples, json }: { samples: number; json?: boolean }): Promise<void> {
  const table = new LanceTable(localStore(tableLocation(uri, process.cwd())));
  const { verifyTable } = await import('../lance/inspect/verify-table.ts');
  const verification = await verifyTable(table, samples);
  if (json) printJson(verification);
  else printVerification(verification);
  if (verification.findings.length > 0) process.exitCode = EXIT.findings;
}

function printVerification(verification: Verification): void {
  const { uri, version, segments, files, answers, answers_left_out: leftOut, findings } = verification;
  printLine(`${uri}  version ${version}: ${segments} segments, ${files} files, ${answers} answers compared`);
  if (leftOut > 0) printLine(`${leftOut} answers left out: they hold for more rows than are compared in one go`);
  for (const { code, index, segment, message } of findings) printLine(`${code}  ${index} ${segment ?? ''}  ${message}`);
  if (findings.length === 0) printLine('no findings');
}
