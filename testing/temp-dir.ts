import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A fresh folder below `parent` that goes with the test. */
export async function tempDir(parent = tmpdir()): Promise<string> {
  const dir = await realpath(await mkdtemp(join(parent, 'segmentd-test-')));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}
