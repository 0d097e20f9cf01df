/** How the commands work on a table. */
import { VERSION } from '../../lib/version.ts';

/** How commands commit: as the daemon does by default. */
export const COMMIT = { maxAttempts: 20, initialBackoffMs: 20, writer: { library: 'segmentd', version: VERSION } };

/** Of one segment: the same segments come out whichever way a table is caught up. */
export const LIMITS = { maxRows: 5_000_000, maxFragments: 10_000 };
