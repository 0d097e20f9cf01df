import { Command } from 'commander';
import { loadConfigWithPlaces } from '../config/load.ts';
import type { Invocation } from './terminal/io.ts';

export function runCommand(io: Invocation): Command {
  return new Command('run')
    .description('keep the indexes of the configured databases fresh')
    .option('-c, --config <file>', 'configuration file; SEGMENTD_CONFIG names it too')
    .option('--quiet', 'log warnings and errors only')
    .action((options: Options) => run(io, options));
}

type Options = { config?: string; quiet?: boolean };

/** Resolves after the daemon has drained, for the first interrupt or hang-up; a second interrupt ends builds at once. A reload goes on. */
async function run(
  { env, cwd, log, onInterrupt }: Invocation,
  { config: file, quiet = false }: Options,
): Promise<void> {
  const load = () => loadConfigWithPlaces({ file, env, cwd });
  const { config, ...source } = load();
  // Loaded here, since Kafka and LanceDB take longer to load than the other commands to run.
  const { startDaemon } = await import('../daemon/daemon.ts');
  const daemon = await startDaemon(config, { quiet, log, source });
  let interrupts = 0;
  const stopListening = onInterrupt((kind) => {
    if (kind === 'reload') void daemon.reload(load);
    // A terminal that closes sends SIGHUP more than once, and the process that ends npm may signal this one too.
    else if (kind === 'hangup') daemon.stop('drain');
    else daemon.stop(++interrupts === 1 ? 'drain' : 'now');
  });
  await daemon.finished.finally(stopListening);
}
