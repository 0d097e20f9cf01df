import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { daemonAt, givenCa, givenToken, nameOf, unreachable } from '../../../../src/commands/daemons/daemon-address.ts';
import { tempDir } from '../../../../testing/temp-dir.ts';

test.each([
  ['http://127.0.0.1:9464', { url: 'http://127.0.0.1:9464' }, 'http://127.0.0.1:9464'],
  ['https://daemon/', { url: 'https://daemon/' }, 'https://daemon'],
  ['unix:/run/segmentd.sock', { url: 'http://localhost', socket: '/run/segmentd.sock' }, 'unix:/run/segmentd.sock'],
  ['unix:///run/segmentd.sock', { url: 'http://localhost', socket: '/run/segmentd.sock' }, 'unix:/run/segmentd.sock'],
  ['unix:./s', { url: 'http://localhost', socket: '/work/s' }, 'unix:/work/s'],
])('--daemon %s', (address, listener, name) => {
  const found = daemonAt(address, '/work');
  expect([found, nameOf(found)]).toEqual([listener, name]);
});

test.each(['', 'daemon', 'localhost:9464', '/run/segmentd.sock', 'unix:', 'http:', 'ftp://daemon'])(
  '--daemon %j is refused, with what is accepted',
  (address) => {
    const refused = expect.objectContaining({ code: 'usage', message: expect.stringContaining('unix:<path>') });
    expect(() => daemonAt(address, '/work')).toThrow(refused);
  },
);

test('a token in a file goes before that of the environment, and an empty one is none', async () => {
  const cwd = await tempDir();
  await writeFile(join(cwd, 'token'), 'from file\n');
  const env = { SEGMENTD_ADMIN_TOKEN: 'from environment' };
  expect(givenToken({ cwd, env }, { tokenFile: 'token' })).toBe('from file');
  expect(givenToken({ cwd, env }, {})).toBe('from environment');
  expect(givenToken({ cwd, env: { SEGMENTD_ADMIN_TOKEN: '' } }, {})).toBeUndefined();
});

test('a file of --ca-file that cannot be read is no silence of the daemon', async () => {
  const cwd = await tempDir();
  const refused = expect.objectContaining({ code: 'usage', message: `--ca-file: cannot read ${cwd}/ca.pem: ENOENT` });
  expect(() => givenCa({ cwd }, { caFile: 'ca.pem' })).toThrow(refused);
  await writeFile(join(cwd, 'ca.pem'), '');
  expect(givenCa({ cwd }, { caFile: 'ca.pem' })).toBe(join(cwd, 'ca.pem'));
});

describe('what to do about a daemon that gave no answer', () => {
  const hintFor = (code: string, wanted: 'status' | 'control') =>
    unreachable({ url: 'https://daemon' }, Object.assign(new Error('no'), { code }), wanted).hint;

  test('is to ask the listener that takes the command', () => {
    expect(hintFor('ECONNREFUSED', 'status')).toContain('http.host and http.port');
    expect(hintFor('ECONNREFUSED', 'control')).toContain('admin.host and admin.port, or unix:<path> for admin.socket');
    expect(hintFor('ECONNREFUSED', 'control')).not.toContain('http.host');
  });

  test('is to trust its certificate, where that is why', () => {
    for (const code of ['DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'SELF_SIGNED_CERT_IN_CHAIN'])
      expect(hintFor(code, 'control')).toMatch(/--ca-file or in NODE_EXTRA_CA_CERTS/);
    expect(hintFor('ERR_TLS_CERT_ALTNAME_INVALID', 'control')).toContain('--ca-file');
  });
});
