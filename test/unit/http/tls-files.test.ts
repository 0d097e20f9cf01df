import { execFile } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { watchTlsFiles } from '../../../src/http/tls-files.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const SELF_SIGNED = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];

/** A folder with the pairs `one` and `other`, and the first of them as the files that are watched. */
async function pairs() {
  const dir = await tempDir();
  const at = (name: string) => join(dir, name);
  for (const name of ['one', 'other']) {
    const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)];
    await promisify(execFile)('openssl', [...SELF_SIGNED, '-subj', `/CN=${name}`, ...files]);
  }
  const use = async (name: string) => {
    for (const kind of ['key', 'pem']) await copyFile(at(`${name}.${kind}`), at(`tls.${kind}`));
    return readFile(at(`${name}.pem`), 'utf8');
  };
  return { at, use };
}

test('a renewed pair is taken over and told once, and what is none is told once and changes nothing', async () => {
  const { at, use } = await pairs();
  await use('one');
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const told: string[] = [];
  const watched = watchTlsFiles({
    ...{ certFile: at('tls.pem'), keyFile: at('tls.key'), everyMs: 10 },
    failed: () => told.push('failed'),
    renewed: (validTo) => told.push(`valid for ${Math.round((validTo.getTime() - Date.now()) / 86_400_000)} days`),
  });
  const certs: string[] = [];
  watched.onChange(({ cert }) => certs.push(cert));
  vi.advanceTimersByTime(30);
  expect(told).toEqual([]);
  await writeFile(at('tls.key'), 'no key');
  vi.advanceTimersByTime(30);
  expect([told, certs]).toEqual([['failed'], []]);
  const other = await use('other');
  vi.advanceTimersByTime(30);
  expect([told, certs]).toEqual([['failed', 'valid for 2 days'], [other]]);
  watched.close();
  await use('one');
  vi.advanceTimersByTime(30);
  expect(certs).toHaveLength(1);
});
