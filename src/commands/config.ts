import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { stringify } from 'yaml';
import { loadConfig, redact } from '../config/load.ts';
import type { Invocation } from './io.ts';
import { printLine } from './output.ts';

type Options = { config?: string };

export function configCommand({ env, cwd, stdout }: Invocation): Command {
  const load = ({ config: file }: Options) => loadConfig({ file, env, cwd });
  const command = new Command('config').description('check and print the configuration');
  command
    .command('check')
    .description('load the configuration and report every problem')
    .option('-c, --config <file>', 'configuration file; SEGMENTD_CONFIG names it too')
    .action((options: Options) => {
      load(options);
      printLine(stdout, 'ok');
    });
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
