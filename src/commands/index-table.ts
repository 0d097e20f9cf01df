import { Command, Option } from 'commander';
import { KIND_NAMES } from '../lib/index-kinds.ts';
import { atLeastOne, memoryOption, rowsOption, scratchDirOption } from './arguments.ts';
import { TABLE_ARGUMENT, withPlaceOptions } from './place-options.ts';
import type { IndexOptions } from './tables/index-columns.ts';
import type { Invocation } from './terminal/io.ts';

/** Builds at once: LanceDB uses several threads for a part of each. */
const CONCURRENCY = 2;
/** Of one segment: the same segments come out whichever way a table is caught up. */
const ROWS_PER_SEGMENT = 5_000_000;

export function indexCommand(io: Invocation): Command {
  return withPlaceOptions(new Command('index'))
    .description('bring the indexes of a table up to date, without Kafka')
    .argument('<table>', TABLE_ARGUMENT)
    .option(
      '-C, --column <column...>',
      'index these columns, creating the index where missing; default: those configured, else existing ones',
    )
    .option('--name <name>', 'name of the index, for a single column; default: that of LanceDB')
    .addOption(
      new Option(
        '--kind <kind>',
        'kind of the indexes of --column, those there are or new ones; default: what the index of that name is, else btree',
      ).choices(KIND_NAMES),
    )
    .option(
      '--set <name=value>',
      'parameter of --kind, such as language=French or metric=cosine; once for each parameter. Default: those of the index, else those of LanceDB',
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option(
      '--min-rows <n>',
      'fewest rows of a segment of a vector index; fewer are searched without it. Default: vector.min_rows with --config, else 10,000',
      atLeastOne,
    )
    .addOption(rowsOption('--rows-per-segment <n>', 'most rows of one segment').default(ROWS_PER_SEGMENT, '5,000,000'))
    .option('--concurrency <n>', 'segments that are built at once, if there is memory', atLeastOne, CONCURRENCY)
    .addOption(memoryOption())
    .addOption(
      new Option(
        '--stable-row-ids <how>',
        'tables with stable row ids, where Lance 14 made no index: leave them, replace each index whole, or make one for Lance 14 and newer',
      )
        .choices(['decline', 'rebuild', 'addresses'])
        .default('decline'),
    )
    .addOption(scratchDirOption())
    .option('--json', 'print one JSON object')
    .action(async (uri: string, options: Omit<IndexOptions, 'isStableSaid'>, command: Command) => {
      const { column: columns, name, kind } = options;
      if (name !== undefined && columns?.length !== 1) command.error('--name goes with exactly one --column');
      if (kind !== undefined && !columns) command.error('--kind goes with --column');
      if (options.set && !kind) command.error('--set goes with --kind');
      const isStableSaid = command.getOptionValueSource('stableRowIds') !== 'default';
      const { indexTable } = await import('./tables/index-columns.ts');
      await indexTable(io, uri, { ...options, isStableSaid });
    });
}
