/** Optimizes a table, `optimizing.ts <uri>`, for a test that ends it on the way. */
import { optimizeTable } from '../../../src/lance/engine/optimize-table.ts';
import { localPlace } from '../../../testing/local-place.ts';

const [uri = ''] = process.argv.slice(2);
await optimizeTable(localPlace(uri), { cleanupOlderThanMs: 0, maxMemoryBytes: 2 ** 31 });
