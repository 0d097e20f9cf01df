import { Command, Option } from 'commander';
import { duration, memoryBytes, memoryOption, scratchDirOption } from './arguments.ts';
import { TABLE_ARGUMENT, withPlaceOptions } from './place-options.ts';
import type { OptimizeOptions } from './tables/optimize-now.ts';
import type { Invocation } from './terminal/io.ts';

export function optimizeCommand(io: Invocation): Command {
  return withPlaceOptions(new Command('optimize'))
    .description(
      "compact a table and clean up its old versions, with LanceDB's own means, and index what is left to index",
    )
    .argument('<table>', TABLE_ARGUMENT)
    .option('--dry-run', 'print what would be compacted and freed, and change nothing')
    .addOption(
      new Option(
        '--keep-versions-for <time>',
        'versions that are older go, such as 24h or 7d; default: maintain.keep_versions_for, 7d',
      ).argParser(duration),
    )
    .addOption(
      new Option(
        '--max-memory <size>',
        'memory of the process that compacts, such as 512MiB or 4GiB; default: maintain.max_memory, 2GiB',
      ).argParser(memoryBytes),
    )
    .addOption(memoryOption())
    .addOption(scratchDirOption())
    .option('--json', 'print one JSON object')
    .action(async (uri: string, options: OptimizeOptions) => {
      const { optimize } = await import('./tables/optimize-now.ts');
      await optimize(io, uri, options);
    });
}
