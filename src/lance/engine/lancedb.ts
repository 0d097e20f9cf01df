import { messageOf, SegmentdError } from '../../lib/errors.ts';

/**
 * LanceDB, loaded when it is first needed. With apache-arrow it takes as long to load as an eighth of the start of a daemon, which has nothing to build
 * yet, and some commands never need it. Errors: engine_unloadable. `load`: for tests.
 */
export async function lancedb(load = () => import('@lancedb/lancedb')) {
  try {
    return await load();
  } catch (cause) {
    const [why] = messageOf(cause).split('\n', 1);
    throw new SegmentdError('engine_unloadable', `LanceDB cannot be loaded: ${why}`, { cause });
  }
}
