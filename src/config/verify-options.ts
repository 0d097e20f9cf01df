/** `verify`: the check of fresh segments after commits. Default for all tables, and the same again for one. */
import * as z from 'zod';
import { EVIDENCE_NAME, ownTemporaryFolder, ownTemporaryText } from '../lib/own-folder.ts';
import { option, path, pathText, section } from './option.ts';

const SAMPLE_EVERY = 0; // a check reads a column of the fresh rows once more, which nobody is to pay for unasked
const SAMPLES = 5; // a segment that is wrong is wrong for most of its rows: docs/operating.md

const every = (least: number) => z.int().min(least).max(1_000_000);
const samples = () => z.int().min(1).max(1_000);

/** Of one table: what it leaves out is that of all; `off` leaves it unchecked. */
export const tableVerify = z.union([
  z.literal('off'),
  z.strictObject({ sample_every: every(1).optional(), samples: samples().optional() }),
]);

export const verify = section(
  'The self-check: after a commit some of the fresh keys are looked up through the new segments, and the answers compared with a scan. A wrong answer pauses the table.',
  {
    sample_every: option(
      every(0).default(SAMPLE_EVERY),
      'Check each so many commits of a table, merges included; 1 checks each of them. 0: off.',
    ),
    samples: option(samples().default(SAMPLES), 'Rows of each index whose values are looked up in a check.'),
    evidence_dir: path(
      pathText().default(() => ownTemporaryFolder(EVIDENCE_NAME)),
      'Folder for the evidence of wrong answers, made with the first one. The last 100 files are kept.',
      ownTemporaryText(EVIDENCE_NAME),
    ),
  },
);
