import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { operatorToken } from '../../../src/daemon/operator-token.ts';
import { messageOf } from '../../../src/lib/errors.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

test('a token that is rotated is taken over, and one that no request carries locks nobody out', async () => {
  const dir = await tempDir();
  const file = join(dir, 'token');
  const env = { SEGMENTD_DATABASES: '{a: /a}', SEGMENTD_ADMIN_TOKEN_FILE: file };
  const told: string[] = [];
  await writeFile(file, 'first-0123456789\n');
  const token = operatorToken(loadConfig({ env, cwd: dir }), (level, message, { error }) =>
    told.push(`${level} ${message}: ${messageOf(error)}`),
  );
  expect(token?.()).toBe('first-0123456789');
  await writeFile(file, 'schlüssel-0123456789\n');
  expect([token?.(), token?.()]).toEqual(['first-0123456789', 'first-0123456789']);
  expect(told).toEqual([
    expect.stringMatching(/^warn admin\.token_file cannot be used; .* stays in force: .* no request carries/),
  ]);
  await writeFile(file, 'second-0123456789\n');
  expect(token?.()).toBe('second-0123456789');
});
