import { Command } from 'commander';
import { configOption } from './arguments.ts';
import type { DoctorOptions } from './daemons/examine.ts';
import type { Invocation } from './terminal/io.ts';

export function doctorCommand(io: Invocation): Command {
  return new Command('doctor')
    .description(
      'say what `run` would meet: versions, configuration, broker, topics, stores, conditional put, scratch folder, clock, addresses',
    )
    .addOption(configOption())
    .option('--json', 'print one JSON object')
    .action(async (options: DoctorOptions) => {
      const { examine } = await import('./daemons/examine.ts');
      await examine(io, options);
    });
}
