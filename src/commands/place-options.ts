/** Options and arguments of the commands that take a table or a database. */
import type { Command } from 'commander';

/** The meaning of an argument that is a table. */
export const TABLE_ARGUMENT =
  'folder or URI of the table, ending in .lance; with --config also <database>/<table> or <database>/<namespace>$<table>';

/** Gives the command `--config` and `--storage-option`. */
export function withPlaceOptions(command: Command): Command {
  return command
    .option(
      '-c, --config <file>',
      'configuration: the storage_options and indexes of its databases and tables hold here; SEGMENTD_CONFIG names it too',
    )
    .option(
      '--storage-option <name=value>',
      'option of LanceDB for an object store, such as region=eu-west-1; may be repeated, and <name>_file names a file with the value',
      (text: string, before: readonly string[] = []) => [...before, text],
    );
}
