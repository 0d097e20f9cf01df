import { Command } from 'commander';
import { atLeastOne, memoryOption, scratchDirOption } from './arguments.ts';
import { TABLE_ARGUMENT, withPlaceOptions } from './place-options.ts';
import type { MergeOptions } from './tables/merge-segments.ts';
import type { Invocation } from './terminal/io.ts';

export function mergeCommand(io: Invocation): Command {
  return withPlaceOptions(new Command('merge'))
    .description('merge small segments of a table, as the daemon does in the background')
    .argument('<table>', TABLE_ARGUMENT)
    .option('--to <n>', 'merge until each index has at most this many segments, whatever their size', atLeastOne)
    .option('--dry-run', 'print what would be merged and change nothing')
    .addOption(memoryOption())
    .addOption(scratchDirOption())
    .option('--json', 'print one JSON object')
    .action(async (uri: string, options: MergeOptions) => {
      const { merge } = await import('./tables/merge-segments.ts');
      await merge(io, uri, options);
    });
}
