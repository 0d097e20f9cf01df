/** What the commands that look at tables or write to them have in common with each other, and with the daemon's defaults. */
import { VERSION } from '../lib/version.ts';

export const COMMIT = { maxAttempts: 20, initialBackoffMs: 20, writer: { library: 'segmentd', version: VERSION } };

/** Of one segment: the same segments come out whichever way a table is caught up. */
export const LIMITS = { maxRows: 5_000_000, maxFragments: 10_000 };
