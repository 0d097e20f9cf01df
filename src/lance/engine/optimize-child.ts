/**
 * Compacts a table and cleans it up with LanceDB's own `optimize`, as a process of its own: LanceDB puts no bound on the memory that a
 * compaction takes, and whatever ends this process ends nothing else. Started by optimize-table.ts, which says over the channel between them
 * what to do. Each step of `optimize` is one commit of Lance, so that the process may be killed at any point.
 */
import { basename, dirname } from 'node:path';
import { connect, Session } from '@lancedb/lancedb';
import { messageOf } from '../../lib/errors.ts';
import { endWithParent } from './engine-process.ts';
import type { OptimizeAnswer, OptimizeOrder } from './optimize-table.ts';

/** How often the memory is looked at: a compaction takes some hundred megabytes in that time. */
const LOOK_MS = 50;

/** Data is read once and written: caches would only count against the limit. */
const CACHE_BYTES = 16n * 1024n * 1024n;

const end = endWithParent();

/** Tells the parent, and ends. */
const answer = (it: OptimizeAnswer) => process.send?.(it, end);

process.once('message', (order: OptimizeOrder) => {
  let peakBytes = 0;
  const look = () => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
    if (peakBytes <= order.maxMemoryBytes) return;
    clearInterval(watch);
    answer({ kind: 'memory', peakBytes });
    // A parent that does not read must not keep this process alive.
    setTimeout(end, LOOK_MS);
  };
  const watch = setInterval(look, LOOK_MS);
  look();
  optimize(order).then(
    (done) => answer({ ...done, kind: 'done', peakBytes: Math.max(peakBytes, process.memoryUsage.rss()) }),
    (error: unknown) => answer({ kind: 'failed', message: messageOf(error) }),
  );
});

async function optimize({ uri, storageOptions, cleanupOlderThanMs }: OptimizeOrder) {
  const session = new Session(CACHE_BYTES, CACHE_BYTES);
  const connection = await connect(dirname(uri), { storageOptions: { ...storageOptions } }, session);
  const table = await connection.openTable(basename(uri, '.lance'));
  const { compaction, prune } = await table.optimize({ cleanupOlderThan: new Date(cleanupOlderThanMs) });
  const { fragmentsRemoved, fragmentsAdded } = compaction;
  return {
    fragmentsRemoved,
    fragmentsAdded,
    versionsRemoved: prune.oldVersionsRemoved,
    bytesFreed: prune.bytesRemoved,
  };
}
