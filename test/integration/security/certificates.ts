/** Certificates for one test run, made by OpenSSL: an authority, and what it or another one signs. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export type Pair = {
  readonly cert: string;
  readonly key: string /** Both in one file, as brokers want them. */;
  readonly both: string;
};

export type Authority = Pair & {
  /** A certificate for `subject`, valid for `san` when it is a server's. With negative `days` it has expired. */
  sign(name: string, subject: string, extra?: { san?: string; days?: number }): Promise<Pair>;
};

const openssl = (args: readonly string[]) => promisify(execFile)('openssl', [...args]);

async function paired(dir: string, name: string): Promise<Pair> {
  const [cert, key, both] = [join(dir, `${name}.pem`), join(dir, `${name}.key`), join(dir, `${name}.both.pem`)];
  await writeFile(both, [await readFile(key), await readFile(cert)]);
  return { cert, key, both };
}

/** An authority with its files in `dir`. */
export async function makeAuthority(dir: string, name: string): Promise<Authority> {
  const at = (file: string) => join(dir, file);
  const newKey = (of: string) => ['-newkey', 'rsa:2048', '-nodes', '-keyout', at(`${of}.key`)];
  await openssl(['req', '-x509', ...newKey(name), '-days', '2', '-subj', `/CN=${name}`, '-out', at(`${name}.pem`)]);
  const own = await paired(dir, name);
  return {
    ...own,
    async sign(of, subject, { san, days = 2 } = {}) {
      await openssl(['req', ...newKey(of), '-subj', `/CN=${subject}`, '-out', at(`${of}.csr`)]);
      await writeFile(at(`${of}.ext`), san === undefined ? '' : `subjectAltName=${san}\n`);
      const by = ['-CA', own.cert, '-CAkey', own.key, '-CAcreateserial', '-days', String(days)];
      await openssl([
        'x509',
        '-req',
        '-in',
        at(`${of}.csr`),
        ...by,
        '-extfile',
        at(`${of}.ext`),
        '-out',
        at(`${of}.pem`),
      ]);
      return paired(dir, of);
    },
  };
}
