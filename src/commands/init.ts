import { Command } from 'commander';
import type { InitOptions } from './daemons/write-config.ts';
import type { Invocation } from './terminal/io.ts';

export function initCommand(io: Invocation): Command {
  return new Command('init')
    .description('write a commented configuration; on a terminal it asks for what is not given')
    .argument('[file]', 'the file to write', 'segmentd.yaml')
    .option('--folder <folder>', 'folder or URI of the database: what holds <table>.lance folders')
    .option('--database <name>', 'name of the database, in events and commands; default: that of the folder')
    .option('--brokers <list>', 'host:port[,host:port] of Kafka, or none')
    .option('--force', 'overwrite a file that is there')
    .action(async (file: string, options: InitOptions) => {
      const { writeConfig } = await import('./daemons/write-config.ts');
      await writeConfig(io, file, options);
    });
}
