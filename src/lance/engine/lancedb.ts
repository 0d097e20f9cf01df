import { messageOf, SegmentdError } from '../../lib/errors.ts';

/** More threads than any machine has processors, and rows than any batch: beyond them the engine starts for minutes, or its numbers wrap. */
const [THREADS, ROWS] = [
  { of: 'threads', digits: /^[1-9][0-9]{0,3}$/ },
  { of: 'rows', digits: /^[1-9][0-9]{0,8}$/ },
];

/** Variables of the engine, which aborts the process, fails each build or hangs over anything but a number of these. */
const COUNTS = {
  TOKIO_WORKER_THREADS: THREADS,
  LANCE_CPU_THREADS: THREADS,
  LANCE_IO_THREADS: THREADS,
  LANCE_DEFAULT_BATCH_SIZE: ROWS,
};

type Environment = Readonly<Record<string, string | undefined>>;

let loading: Promise<typeof import('@lancedb/lancedb')> | undefined;

/** Node takes a tenth of a millisecond to find out that a module is there already, which each build would wait for. */
function loadOnce() {
  loading ??= import('@lancedb/lancedb');
  return loading;
}

/**
 * LanceDB, loaded when it is first needed. With apache-arrow it takes as long to load as an eighth of the start of a daemon, which has nothing to build
 * yet, and some commands never need it. Errors: engine_unloadable, config_invalid for a variable. `load` and `env`: for tests.
 */
export async function lancedb(load = loadOnce, env: Environment = process.env) {
  for (const [name, { of, digits }] of Object.entries(COUNTS)) {
    const value = env[name];
    if (value === undefined || digits.test(value)) continue;
    throw new SegmentdError(
      'config_invalid',
      `the environment variable ${name} is "${value}", which is no number of ${of}`,
    );
  }
  try {
    return await load();
  } catch (cause) {
    const [why] = messageOf(cause).split('\n', 1);
    throw new SegmentdError('engine_unloadable', `LanceDB cannot be loaded: ${why}`, { cause });
  }
}
