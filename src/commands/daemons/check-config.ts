/** Checks and prints a configuration. */
import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import type { Problem } from '../../config/load.ts';
import { formatProblem, loadConfig, loadConfigWithPlaces, redact } from '../../config/load.ts';
import { withoutBroker } from '../../config/sweep-interval.ts';
import { checkPlaces } from '../../daemon/check-places.ts';
import { problemOf, refuseErrors } from '../../daemon/findings.ts';
import { shippedFile } from '../../lib/shipped-file.ts';
import type { Invocation, Output } from '../terminal/io.ts';
import { printableLines, printLine } from '../terminal/output.ts';

export type PrintOptions = { readonly config?: string };
export type CheckOptions = PrintOptions & { readonly online?: boolean };

/** Warnings go to standard error and change nothing; errors end it, with the code of the first. */
export async function checkConfig(
  { env, cwd, stdout, stderr }: Invocation,
  { config: file, online = false }: CheckOptions,
): Promise<void> {
  const { config, placeOf } = loadConfigWithPlaces({ file, env, cwd });
  const findings = await checkPlaces(config);
  if (online) {
    // Loaded here, since a Kafka client takes longer to load than the rest to run.
    const { checkOnline } = await import('../../daemon/check-online.ts');
    findings.push(...(await checkOnline(config)));
  }
  printWarnings(
    stderr,
    findings.filter(({ level }) => level === 'warning').map((finding) => problemOf(finding, placeOf)),
  );
  refuseErrors(findings, placeOf);
  const mode = withoutBroker(config);
  printLine(stdout, mode === undefined ? 'ok' : `ok (${mode})`);
}

export function printWarnings(stderr: Output, problems: readonly Problem[]): void {
  for (const problem of problems) printLine(stderr, `warning: ${printableLines(formatProblem(problem))}`);
}

export function printConfig({ env, cwd, stdout }: Invocation, { config: file }: PrintOptions): void {
  const config = loadConfig({ file, env, cwd });
  const mode = withoutBroker(config);
  if (mode !== undefined) printLine(stdout, `# ${mode}`);
  printLine(stdout, stringify(redact(config)).trimEnd());
}

export function printDefaults({ stdout }: Invocation): void {
  printLine(stdout, readFileSync(shippedFile('config/defaults.yaml'), 'utf8').trimEnd());
}
