import { Command } from 'commander';
import { timeoutOption, versionNumber } from './arguments.ts';
import { TABLE_ARGUMENT, withPlaceOptions } from './place-options.ts';
import type { WaitOptions } from './tables/await-coverage.ts';
import type { Invocation } from './terminal/io.ts';

const TIMEOUT_S = 30;

export function waitCommand(io: Invocation): Command {
  return withPlaceOptions(new Command('wait'))
    .description('wait until the rows of a version are indexed: exit code 0 when they are, 1 when the time is over')
    .argument('<table>', TABLE_ARGUMENT)
    .requiredOption('--version <n>', 'the version, such as the one an append returned', versionNumber)
    .addOption(timeoutOption('how long to wait', TIMEOUT_S))
    .option(
      '-C, --column <column...>',
      'the indexes of these columns; default: those configured, else every index there is that segmentd maintains',
    )
    .option('--json', 'print one JSON object')
    .action(async (uri: string, options: WaitOptions) => {
      const { wait } = await import('./tables/await-coverage.ts');
      await wait(io, uri, options);
    });
}
