/**
 * Reproduces what README and docs say about speed, on the machine at hand:
 *
 *   npm run bench -- <scenario> [--quick] [--json] [--save] [--set size=value]
 *   npm run bench -- all [--quick] [--json] [--save]
 *
 * `--quick` takes small sizes, all together less than ten minutes; `--json` prints one document instead of tables; `--save` also writes
 * bench/results, from which `npm run generate` makes the tables and plots of docs/performance.md. Progress goes to standard error.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { printJson, printLine } from '../src/commands/terminal/output.ts';
import { messageOf } from '../src/lib/errors.ts';
import type { Arguments } from './harness/arguments.ts';
import { parseArguments, UsageError, withSizes } from './harness/arguments.ts';
import { onInterrupt } from './harness/interrupts.ts';
import { measuredText } from './harness/report.ts';
import type { Measured } from './harness/run-scenario.ts';
import { runScenario } from './harness/run-scenario.ts';
import type { Sizes } from './harness/scenario.ts';
import { sizesOf } from './harness/scenario.ts';
import { SCENARIOS } from './scenarios/catalogue.ts';

async function runOne({ name, quick, set }: Arguments): Promise<Measured[]> {
  const scenario = SCENARIOS.find((it) => it.name === name);
  if (!scenario) return [];
  const sizes = withSizes(sizesOf(scenario, quick), set, scenario.texts);
  return [await runScenario(scenario, sizes, quick)];
}

/** Each in a process of its own: what one leaves in memory and caches must not help or hinder the next. Each saves what it measured. */
async function runAll({ quick, save }: Arguments): Promise<Measured[]> {
  const done: Measured[] = [];
  let isInterrupted = false;
  for (const { name } of SCENARIOS) {
    const args = [
      fileURLToPath(import.meta.url),
      name,
      '--json',
      ...(quick ? ['--quick'] : []),
      ...(save ? ['--save'] : []),
    ];
    const child = spawn(process.execPath, [...process.execArgv, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const stop = onInterrupt((signal) => {
      isInterrupted = true;
      child.kill(signal);
    });
    const [out] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    stop();
    if (isInterrupted) {
      process.exitCode = child.exitCode ?? 1;
      break;
    }
    if (child.exitCode === 0) done.push(...(JSON.parse(out) as { scenarios: Measured[] }).scenarios);
    else {
      process.exitCode = 1;
      process.stderr.write(`${name} failed and is left out\n`);
    }
  }
  return done;
}

const OPTIONS = `
  --quick  takes small sizes; all scenarios together take less than ten minutes
  --json   prints one document instead of tables
  --save   also writes bench/results, from which docs/performance.md is made
  --set    takes another size, as often as there are: --set rows=1000 --set rates=1,50 (a list), --set idle= (none)`;

const sizesText = (sizes: Sizes) =>
  Object.entries(sizes)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

/** Throws UsageError. */
async function mustBeWritable(folder: string, hint: string): Promise<void> {
  await access(folder, constants.W_OK).catch((error: unknown) => {
    throw new UsageError(`${folder} cannot be written (${messageOf(error)}): ${hint}`);
  });
}

const resultFile = (name: string) => new URL(`results/${name}.json`, import.meta.url);

async function main(): Promise<void> {
  const names = SCENARIOS.map(({ name }) => name);
  const options = parseArguments(process.argv.slice(2), names);
  if (options.help) {
    const usage = 'npm run bench -- <scenario> [--quick] [--json] [--save] [--set size=value]';
    const all = 'npm run bench -- all [--quick] [--json] [--save]';
    const sizes = SCENARIOS.map(({ name, what, sizes }) => `\n${name}: ${what}\n  ${sizesText(sizes)}`);
    printLine(process.stdout, [usage, all, OPTIONS, ...sizes].join('\n'));
    return;
  }
  await mustBeWritable(tmpdir(), 'tables and brokers lie there; TMPDIR names another folder');
  if (options.save) await mustBeWritable(fileURLToPath(new URL('results', import.meta.url)), '--save writes there');
  const measured = await (options.name === 'all' ? runAll(options) : runOne(options));
  if (options.json) printJson(process.stdout, { scenarios: measured });
  else for (const it of measured) printLine(process.stdout, measuredText(it));
  // Printed first: figures of hours must not go with a file that cannot be written.
  if (options.save && options.name !== 'all') {
    for (const it of measured) await writeFile(resultFile(it.scenario), `${JSON.stringify(it, null, 1)}\n`);
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 64;
}
// Native threads of the engine may outlive what was asked of them.
process.exit();
