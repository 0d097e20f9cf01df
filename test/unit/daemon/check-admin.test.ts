import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { checkAdmin } from '../../../src/daemon/check-admin.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const TOKEN = '0123456789abcdef';

/** What is found, as `level option: message`, with `~` for the folder. */
async function found(dir: string, admin: Record<string, string>): Promise<string[]> {
  const file = join(dir, 'segmentd.yaml');
  await writeFile(file, JSON.stringify({ databases: { lake: './lake' }, admin }));
  const findings = await checkAdmin(loadConfig({ file, env: {}, cwd: dir }));
  return findings.map(({ level, path, message }) => `${level} ${path.join('.')}: ${message.replaceAll(dir, '~')}`);
}

test('a token that can be guessed is a warning, and what is none an error, wherever it is written', async () => {
  const dir = await tempDir();
  const weak = 'has fewer than 16 characters, and can be guessed';
  expect(await found(dir, { token: TOKEN })).toEqual([]);
  expect(await found(dir, { token: 'secret' })).toEqual([expect.stringContaining(`warning admin.token: ${weak}`)]);
  await writeFile(join(dir, 'token'), `${TOKEN}\n`);
  expect(await found(dir, { token_file: 'token' })).toEqual([]);
  await writeFile(join(dir, 'token'), 'secret\n');
  expect(await found(dir, { token_file: 'token' })).toEqual([
    expect.stringContaining(`warning admin.token_file: ${weak}`),
  ]);
  for (const [content, problem] of [
    ['', '~/token is empty'],
    ['schlüssel-schlüssel\n', '~/token has characters that no request carries'],
  ] as const) {
    await writeFile(join(dir, 'token'), content);
    const said = await found(dir, { token_file: 'token' });
    expect(said).toEqual([expect.stringContaining(`error admin.token_file: ${problem}`)]);
  }
  expect(() => loadConfig({ env: { SEGMENTD_DATABASES: '{a: /a}', SEGMENTD_ADMIN_TOKEN: 'ключ' }, cwd: dir })).toThrow(
    'SEGMENTD_ADMIN_TOKEN: admin.token: has characters that no request carries',
  );
});

test('where the socket is to be there is nothing else, in a folder that can be written to', async () => {
  const dir = await tempDir();
  const of = (socket: string) => found(dir, { token: TOKEN, socket });
  expect(await of('admin.sock')).toEqual([]);
  // What a daemon listens at, or left behind.
  const server = createServer().listen(join(dir, 'live.sock'));
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  expect(await of('live.sock')).toEqual([]);
  await writeFile(join(dir, 'file'), '');
  await mkdir(join(dir, 'folder'));
  await symlink('nowhere', join(dir, 'link'));
  for (const name of ['file', 'folder', 'link']) {
    expect(await of(name)).toEqual([
      `error admin.socket: ~/${name} is there and no socket: segmentd does not delete it`,
    ]);
  }
  expect(await of('file/admin.sock')).toEqual(['error admin.socket: ~/file is no folder']);
  expect(await of('none/admin.sock')).toEqual(['error admin.socket: ~/none cannot be written to: ENOENT']);
  expect(await of('a'.repeat(104))).toEqual([expect.stringContaining('is longer than the 103 bytes')]);
});
