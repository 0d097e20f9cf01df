import { Command, InvalidArgumentError } from 'commander';
import { TABLE_ARGUMENT, withPlaceOptions } from './place-options.ts';
import type { VerifyOptions } from './tables/print-verification.ts';
import type { Invocation } from './terminal/io.ts';

/** Enough to notice a segment that answers wrongly for a whole fragment, little enough for a scan each. */
const SAMPLES = 10;

export function verifyCommand(io: Invocation): Command {
  return withPlaceOptions(new Command('verify'))
    .description(
      'prove the index segments of a table: files, bitmaps, metadata, sampled answers; exit code 1 on findings',
    )
    .argument('<table>', TABLE_ARGUMENT)
    .option(
      '--samples <n>',
      'values per index to compare with a scan; 0 reads the manifest and file sizes only',
      count,
      SAMPLES,
    )
    .option('--json', 'print one JSON object')
    .action(async (uri: string, options: VerifyOptions) => {
      const { verify } = await import('./tables/print-verification.ts');
      await verify(io, uri, options);
    });
}

function count(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('expected a number up to 9999');
  return Number(text);
}
