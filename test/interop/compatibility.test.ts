/**
 * Each Lance beside segmentd, as docs/compatibility.md says. After a change:
 *
 *   SEGMENTD_WRITE_COMPATIBILITY=true npx vitest run --project long test/interop/compatibility
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ALL_PYLANCE, findPylance, PYLANCE_VERSIONS } from '../../testing/pylance.ts';
import { tempDir } from '../../testing/temp-dir.ts';
import type { Compatibility } from './measure-compatibility.ts';
import { compatibilityPage, measureCompatibility } from './measure-compatibility.ts';
import { startWorker } from './worker.ts';

const PAGE = new URL('../../docs/compatibility.md', import.meta.url);

/** Installing takes as long as the network does. */
const TIMEOUT_MS = 1_800_000;

test('docs/compatibility.md says what each Lance does', { timeout: TIMEOUT_MS }, async () => {
  const folder = await tempDir();
  const newest = await findPylance(PYLANCE_VERSIONS.newest);
  if (!newest) return;
  const newestWorker = startWorker(newest);
  onTestFinished(() => newestWorker.stop());
  const rows: Compatibility[] = [];
  for (const version of ALL_PYLANCE) {
    const pylance = await findPylance(version);
    if (!pylance) return;
    const worker = startWorker(pylance);
    try {
      rows.push(await measureCompatibility(worker, newestWorker, () => mkdtemp(join(folder, 'database-'))));
    } finally {
      await worker.stop();
    }
  }
  const page = compatibilityPage(rows);
  if (process.env.SEGMENTD_WRITE_COMPATIBILITY === 'true') writeFileSync(PAGE, page);
  expect(readFileSync(PAGE, 'utf8')).toBe(page);
});
