/** Proves the segments of a table and prints the findings. */
import type { Verification } from '../../lance/inspect/verify-table.ts';
import { EXIT } from '../../lib/errors.ts';
import type { Invocation, Output } from '../terminal/io.ts';
import { counted, printable, printJson, printLine } from '../terminal/output.ts';
import type { PlaceOptions } from './places.ts';
import { openTable } from './places.ts';

export type VerifyOptions = PlaceOptions & { samples: number; json?: boolean };

export async function verify(io: Invocation, uri: string, { samples, json, ...place }: VerifyOptions): Promise<void> {
  const { table } = await openTable(io, uri, place);
  const { verifyTable } = await import('../../lance/inspect/verify-table.ts');
  const verification = await verifyTable(table, samples);
  if (json) printJson(io.stdout, verification);
  else printVerification(io.stdout, verification);
  if (verification.findings.length > 0) io.exitCode = EXIT.findings;
}

function printVerification(out: Output, verification: Verification): void {
  const { uri, version, segments, files, answers, answers_left_out: leftOut, findings } = verification;
  printLine(
    out,
    `${printable(uri)}  version ${version}: ${counted(segments, 'segment')}, ${counted(files, 'file')}, ${counted(answers, 'answer')} compared`,
  );
  if (leftOut > 0)
    printLine(out, `${counted(leftOut, 'answer')} left out, which hold for more rows than are compared in one go`);
  for (const { code, index, segment, message } of findings)
    printLine(out, printable(`${code}  ${index} ${segment ?? ''}  ${message}`));
  if (findings.length === 0) printLine(out, 'no findings');
}
