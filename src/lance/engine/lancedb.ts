import { messageOf, SegmentdError } from '../../lib/errors.ts';

/** A variable of the engine. */
const THREADS = 'TOKIO_WORKER_THREADS';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * LanceDB, loaded when it is first needed. With apache-arrow it takes as long to load as an eighth of the start of a daemon, which has nothing to build
 * yet, and some commands never need it. Errors: engine_unloadable, config_invalid for a variable. `load` and `env`: for tests.
 */
export async function lancedb(load = () => import('@lancedb/lancedb'), env: Environment = process.env) {
  const threads = env[THREADS];
  // The engine aborts the process over it.
  if (threads !== undefined && !/^[1-9][0-9]{0,4}$/.test(threads)) {
    throw new SegmentdError(
      'config_invalid',
      `the environment variable ${THREADS} is "${threads}", which is no number of threads`,
    );
  }
  try {
    return await load();
  } catch (cause) {
    const [why] = messageOf(cause).split('\n', 1);
    throw new SegmentdError('engine_unloadable', `LanceDB cannot be loaded: ${why}`, { cause });
  }
}
