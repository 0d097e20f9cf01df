/** Runs a daemon in this process. */
import { loadConfigWithPlaces } from '../../config/load.ts';
import type { Interrupt, Invocation } from '../terminal/io.ts';

export type RunOptions = { readonly config?: string; readonly quiet?: boolean };

/**
 * Resolves after the daemon has drained, for the first interrupt or hang-up; a second interrupt ends builds at once. A reload goes on. One
 * that starts yet is not drained, and reloads once it has started.
 */
export async function runDaemon(
  { env, cwd, log, onInterrupt }: Invocation,
  { config: file, quiet = false }: RunOptions,
): Promise<void> {
  // Loaded here: a configuration that is not fit is refused before Kafka and LanceDB are loaded.
  const load = () => loadConfigWithPlaces({ file, env, cwd });
  const { config, ...source } = load();
  const requests = heardRequests(onInterrupt);
  const { startDaemon } = await import('../../daemon/daemon.ts');
  const starting = startDaemon(config, { quiet, log, source });
  const daemon = await Promise.race([starting, requests.ended]).catch((error: unknown) => {
    requests.stopListening();
    throw error;
  });
  if (daemon === undefined) {
    // Not waited for: it may hang in what it opens, and a process that ends takes that along.
    void starting.then(
      (late) => late.stop('now'),
      () => undefined,
    );
    requests.stopListening();
    return;
  }
  let interrupts = 0;
  requests.answer((kind) => {
    if (kind === 'reload') void daemon.reload(load);
    // A terminal that closes sends SIGHUP more than once, and the process that ends npm may signal this one too.
    else if (kind === 'hangup') daemon.stop('drain');
    else daemon.stop(++interrupts === 1 ? 'drain' : 'now');
  });
  await daemon.finished.finally(requests.stopListening);
}

/**
 * Hears signals before there is a daemon to answer them: a reload that comes while it starts, when a service manager takes it for started
 * already, would end the process otherwise. `ended` resolves when it is to end before it has started; `answer` gets the reload that waits.
 */
function heardRequests(onInterrupt: Invocation['onInterrupt']) {
  let isReloadAsked = false;
  let answer: ((kind: Interrupt) => void) | undefined;
  let end: (nothing: undefined) => void = () => undefined;
  const ended = new Promise<undefined>((resolve) => {
    end = resolve;
  });
  const stopListening = onInterrupt((kind) => {
    if (answer) answer(kind);
    else if (kind === 'reload') isReloadAsked = true;
    else end(undefined);
  });
  return {
    ended,
    stopListening,
    answer(by: (kind: Interrupt) => void) {
      answer = by;
      if (isReloadAsked) by('reload');
    },
  };
}
