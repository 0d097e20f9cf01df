import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';

export function runCommand(): Command {
  return new Command('run')
    .description('keep the BTREE indexes of the configured databases fresh')
    .option('-c, --config <file>', 'configuration file; SEGMENTD_CONFIG names it too')
    .option('--quiet', 'log warnings and errors only')
    .action(run);
}

/** Resolves after the first signal has drained the daemon; a second signal ends builds at once. */
async function run({ config: file, quiet = false }: { config?: string; quiet?: boolean }): Promise<void> {
  const config = loadConfig({ file, env: process.env, cwd: process.cwd() });
  // Loaded here, since Kafka and LanceDB take longer to load than the other commands to run.
  const { startDaemon } = await import('../daemon/daemon.ts');
  const daemon = await startDaemon(config, quiet);
  let signals = 0;
  const onSignal = () => daemon.stop(++signals === 1 ? 'drain' : 'now');
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  await daemon.finished;
}
