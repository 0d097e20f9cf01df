/** Runs a daemon in this process. */
import { loadConfigWithPlaces } from '../../config/load.ts';
import type { Invocation } from '../terminal/io.ts';

export type RunOptions = { readonly config?: string; readonly quiet?: boolean };

/** Resolves after the daemon has drained, for the first interrupt or hang-up; a second interrupt ends builds at once. A reload goes on. */
export async function runDaemon(
  { env, cwd, log, onInterrupt }: Invocation,
  { config: file, quiet = false }: RunOptions,
): Promise<void> {
  // Loaded here: a configuration that is not fit is refused before Kafka and LanceDB are loaded.
  const load = () => loadConfigWithPlaces({ file, env, cwd });
  const { config, ...source } = load();
  const { startDaemon } = await import('../../daemon/daemon.ts');
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
