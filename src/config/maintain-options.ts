/** `maintain`: how tables are compacted and cleaned up. Default for all, and the same again for one table. */
import * as z from 'zod';
import { byteSize } from '../lib/byte-size.ts';
import { durationMs } from '../lib/duration.ts';
import { checkedText, option, section } from './option.ts';

const KEEP_VERSIONS_FOR = '7d'; // Lance's own default: readers that stay on an old version have a week
const MAX_MEMORY = '2GiB'; // rows of a kilobyte took 360 MiB: docs/performance.md

/** Less than an hour would compact more than it serves; versions may go sooner than that. */
const LEAST_EVERY_MS = 3600_000;
const LEAST_MEMORY_BYTES = 256 * 2 ** 20;

const DURATION = String.raw`^\d{1,9}(?:\.\d{1,3})?(?:ms|s|m|h|d)$`;
const SIZE = String.raw`^\d{1,6}(?:\.\d{1,3})?(?:MiB|GiB)$`;

const everyProblem = (text: string) => {
  const ms = durationMs(text);
  if (ms === null) return 'is no time such as 24h or 7d';
  return ms < LEAST_EVERY_MS ? 'is less than an hour' : undefined;
};
const durationProblem = (text: string) => (durationMs(text) === null ? 'is no time such as 24h or 7d' : undefined);
const memoryProblem = (text: string) => {
  const bytes = byteSize(text);
  if (bytes === null) return 'is no size such as 512MiB or 2GiB';
  return bytes < LEAST_MEMORY_BYTES ? 'is less than 256MiB' : undefined;
};

const every = () => checkedText(everyProblem, DURATION);
const keep = () => checkedText(durationProblem, DURATION);
const memory = () => checkedText(memoryProblem, SIZE);
const fragments = () => z.int().min(2).max(10_000_000);
const fraction = () => z.number().gt(0).max(1);

/** Of one table: what it leaves out is that of all; `off` leaves it alone. */
export const tableMaintain = z.union([
  z.literal('off'),
  z.strictObject({
    optimize_every: every().optional(),
    compact_when: z
      .strictObject({ small_fragments: fragments().optional(), deleted_fraction: fraction().optional() })
      .optional(),
    keep_versions_for: keep().optional(),
    max_memory: memory().optional(),
  }),
]);

export const maintain = section(
  "Housekeeping with LanceDB's own compaction and cleanup. Off unless one of the first three is set. One table at a time, when its indexes " +
    'cover all of it, in a process of its own.',
  {
    optimize_every: option(
      every().optional(),
      'Time between two runs of a table, such as `24h` or `7d`; an hour at least.',
    ),
    compact_when: section('A table that needs it is compacted without waiting for its time.', {
      small_fragments: option(
        fragments().optional(),
        'Fragments of less than 104,857 rows, a tenth of what a compaction aims at, that make a run due.',
      ),
      deleted_fraction: option(
        fraction().optional(),
        'Share of deleted rows that makes a run due. LanceDB rewrites fragments of which more than a tenth is deleted.',
      ),
    }),
    keep_versions_for: option(
      keep().default(KEEP_VERSIONS_FOR),
      'A run takes versions away that are older, with the files that only they use. Readers that stay on one of them fail.',
    ),
    max_memory: option(
      memory().default(MAX_MEMORY),
      'Memory of the process that compacts, such as `2GiB`. Beyond it the process is ended, and the table stays as it was.',
    ),
  },
);
