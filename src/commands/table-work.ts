/** What the commands that write to a table have in common with each other, and with the daemon's defaults. */
import { VERSION } from '../lib/version.ts';

export const COMMIT = { maxAttempts: 20, backoffMs: 20, writer: { library: 'segmentd', version: VERSION } };
