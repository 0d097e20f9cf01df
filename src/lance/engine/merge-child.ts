/**
 * Makes the indexes of large merges, as a process of its own at a low priority. Started by merge-process.ts, which says over the channel between
 * them what to make. All that it makes lies in views, so that it may be killed at any point.
 */
import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { messageOf, SegmentdError } from '../../lib/errors.ts';
import { endWithParent } from './engine-process.ts';
import { recordEngineMetrics, sinceLastTime } from './engine-recorder.ts';
import { makeIndexesHere } from './make-indexes.ts';
import type { MakeAnswer, MakeRequest } from './merge-process.ts';

/** Of the nice values of POSIX. Beside threads that want all of a processor it gets a tenth: a merge becomes slow there, and does not stand still. */
const NICE = 10;

/** What Linux adds to the memory of a process, in thousandths of all there is, when it looks for one to end: the daemon is worth more. */
const MORE_LIKELY_ENDED = '500';

endWithParent();

// Before the engine is loaded: its threads get the priority of the one that starts them.
attempt(() => setPriority(NICE));
attempt(() => writeFileSync('/proc/self/oom_score_adj', MORE_LIKELY_ENDED));

const make = makeIndexesHere();
const counted = recordEngineMetrics().then(
  (read) => (read ? sinceLastTime(read) : () => []),
  () => () => [],
);

process.on('message', async ({ id, order }: MakeRequest) => {
  const answer = await make(order).then(
    (took) => ({ took }),
    (error: unknown) => ({ message: messageOf(error), code: error instanceof SegmentdError ? error.code : null }),
  );
  const readings = (await counted)();
  process.send?.({ id, readings, ...answer } satisfies MakeAnswer);
});

/** What a system does not know or allow is done without. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {}
}
