import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { stringify } from 'yaml';
import { formatProblem, loadConfig, loadConfigWithPlaces, redact } from '../config/load.ts';
import { checkPlaces } from '../daemon/check-places.ts';
import { problemOf, refuseErrors } from '../daemon/findings.ts';
import type { Invocation } from './terminal/io.ts';
import { printableLines, printLine } from './terminal/output.ts';

type Options = { config?: string };
type CheckOptions = Options & { online?: boolean };

export function configCommand(io: Invocation): Command {
  const { env, cwd, stdout } = io;
  const load = ({ config: file }: Options) => loadConfig({ file, env, cwd });
  const command = new Command('config').description('check and print the configuration');
  command
    .command('check')
    .description('load the configuration, look at the files and folders it names, and report every problem')
    .option('-c, --config <file>', 'configuration file; SEGMENTD_CONFIG names it too')
    .option(
      '--online',
      'also ask the brokers for the topics, and try the rights on the tables and the addresses to listen on',
    )
    .action((options: CheckOptions) => check(io, options));
  command
    .command('print')
    .description('print the configuration in force, secrets left out')
    .option('-c, --config <file>', 'configuration file; SEGMENTD_CONFIG names it too')
    .action((options: Options) => printLine(stdout, stringify(redact(load(options))).trimEnd()));
  command
    .command('defaults')
    .description('print every option with its default')
    .action(() =>
      printLine(stdout, readFileSync(new URL('../../config/defaults.yaml', import.meta.url), 'utf8').trimEnd()),
    );
  return command;
}

/** Warnings go to standard error and change nothing; errors end it, with the code of the first. */
async function check({ env, cwd, stdout, stderr }: Invocation, { config: file, online = false }: CheckOptions) {
  const { config, placeOf } = loadConfigWithPlaces({ file, env, cwd });
  const findings = await checkPlaces(config);
  if (online) {
    // Loaded here, since a Kafka client takes longer to load than the rest to run.
    const { checkOnline } = await import('../daemon/check-online.ts');
    findings.push(...(await checkOnline(config)));
  }
  for (const finding of findings.filter(({ level }) => level === 'warning')) {
    printLine(stderr, `warning: ${printableLines(formatProblem(problemOf(finding, placeOf)))}`);
  }
  refuseErrors(findings, placeOf);
  printLine(stdout, 'ok');
}
