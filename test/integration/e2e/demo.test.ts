/** `npm run demo -- --kinds`, as a visitor runs it: each index finds the rows of each append, which took one commit. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const APPENDS = 2;

type Summary = {
  readonly appends: number;
  readonly commits: number;
  readonly event_to_covered_ms: { readonly p50: number };
  readonly indexes: readonly Readonly<Record<string, unknown>>[];
};

test('the demo of all kinds ends with a summary that shows each index in use', { timeout: 120_000 }, async () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { scripts: { demo: string } };
  const [, script = ''] = scripts.demo.split(' ');
  const args = [script, '--kinds', '--json', '--rows', '2000', '--appends', String(APPENDS)];
  const env = { ...process.env, KAFKA_BROKERS: inject('brokers').join(',') };
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, env });
  const {
    appends,
    commits,
    event_to_covered_ms: covered,
    indexes,
  } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Summary;
  expect([appends, commits]).toEqual([APPENDS, APPENDS]);
  expect(covered.p50).toBeGreaterThan(0);
  expect(indexes.map(({ kind }) => kind)).toEqual(['BTREE', 'BITMAP', 'LABEL_LIST', 'FM', 'FTS', 'IVF_FLAT']);
  for (const index of indexes) {
    expect(index).toMatchObject({ segments_built: APPENDS, coverage: 1, used_index: true });
    expect(index.build_ms).toMatchObject({ p50: expect.any(Number) });
    expect(index.event_to_found_ms).toMatchObject({ p50: expect.any(Number) });
  }
});
