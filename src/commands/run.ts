import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { watchParent } from '../lib/parent-watch.ts';

export function runCommand(): Command {
  return new Command('run')
    .description('keep the BTREE indexes of the configured databases fresh')
    .option('-c, --config <file>', 'configuration file; SEGMENTD_CONFIG names it too')
    .option('--quiet', 'log warnings and errors only')
    .action(run);
}

/**
 * Resolves after the daemon has drained: for SIGTERM, SIGINT, SIGHUP, or the end of the npm that started it. A second SIGTERM or
 * SIGINT ends builds at once.
 */
async function run({ config: file, quiet = false }: { config?: string; quiet?: boolean }): Promise<void> {
  const config = loadConfig({ file, env: process.env, cwd: process.cwd() });
  // Loaded here, since Kafka and LanceDB take longer to load than the other commands to run.
  const { startDaemon } = await import('../daemon/daemon.ts');
  const daemon = await startDaemon(config, quiet);
  let signals = 0;
  const onSignal = () => daemon.stop(++signals === 1 ? 'drain' : 'now');
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  // A terminal that closes says so more than once, and whoever ends npm may have sent us a signal too.
  const drain = () => daemon.stop('drain');
  process.on('SIGHUP', drain);
  const unwatch = watchParent(drain);
  await daemon.finished.finally(unwatch);
}
