/** Settings that the commands on tables share, and that are the daemon's defaults. */
import { VERSION } from '../lib/version.ts';

export const COMMIT = { maxAttempts: 20, initialBackoffMs: 20, writer: { library: 'segmentd', version: VERSION } };

/** Of one segment: the same segments come out whichever way a table is caught up. */
export const LIMITS = { maxRows: 5_000_000, maxFragments: 10_000 };
