import { Command, InvalidArgumentError } from 'commander';
import type { Verification } from '../lance/inspect/verify-table.ts';
import { EXIT } from '../lib/errors.ts';
import type { PlaceOptions } from './tables/places.ts';
import { openTable, TABLE_ARGUMENT, withPlaceOptions } from './tables/places.ts';
import type { Invocation, Output } from './terminal/io.ts';
import { printJson, printLine } from './terminal/output.ts';

/** Enough to notice a segment that answers wrongly for a whole fragment, little enough for a scan each. */
const SAMPLES = 10;

type Options = PlaceOptions & { samples: number; json?: boolean };

export function verifyCommand(io: Invocation): Command {
  return withPlaceOptions(new Command('verify'))
    .description(
      'prove the index segments of a table: files, bitmaps, metadata, sampled answers; exit code 1 on findings',
    )
    .argument('<table-uri>', TABLE_ARGUMENT)
    .option(
      '--samples <n>',
      'values per index to compare with a scan; 0 reads the manifest and file sizes only',
      count,
      SAMPLES,
    )
    .option('--json', 'print one JSON object')
    .action((uri: string, options: Options) => verify(io, uri, options));
}

function count(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('expected a number up to 9999');
  return Number(text);
}

async function verify(io: Invocation, uri: string, { samples, json, ...place }: Options): Promise<void> {
  const { table } = await openTable(io, uri, place);
  const { verifyTable } = await import('../lance/inspect/verify-table.ts');
  const verification = await verifyTable(table, samples);
  if (json) printJson(io.stdout, verification);
  else printVerification(io.stdout, verification);
  if (verification.findings.length > 0) io.exitCode = EXIT.findings;
}

function printVerification(out: Output, verification: Verification): void {
  const { uri, version, segments, files, answers, answers_left_out: leftOut, findings } = verification;
  printLine(out, `${uri}  version ${version}: ${segments} segments, ${files} files, ${answers} answers compared`);
  if (leftOut > 0) printLine(out, `${leftOut} answers left out: they hold for more rows than are compared in one go`);
  for (const { code, index, segment, message } of findings)
    printLine(out, `${code}  ${index} ${segment ?? ''}  ${message}`);
  if (findings.length === 0) printLine(out, 'no findings');
}
