/**
 * Completes package-lock.json with optional platform packages that the registry did not list.
 *
 * Some platform packages of @lancedb/lancedb are not on every registry mirror. `npm install` skips them silently, and then
 * `npm ci` refuses the lock as incomplete. This writes the entries npm would have written had they been there, so that the
 * same lock installs on every platform. Run through `npm run lock` after each change of dependencies.
 */
import { readFileSync, writeFileSync } from 'node:fs';

type LockEntry = {
  version?: string;
  optionalDependencies?: Record<string, string>;
  cpu?: string[];
  os?: string[];
  libc?: string[];
  optional?: boolean;
  license?: string;
  engines?: Record<string, string>;
};
export type Lock = { packages: Record<string, LockEntry> };

const OS: Record<string, string> = { darwin: 'darwin', linux: 'linux', win32: 'win32' };
const CPU: Record<string, string> = { arm64: 'arm64', x64: 'x64' };
const LIBC: Record<string, string> = { gnu: 'glibc', musl: 'musl' };

/** The platform a package name like `lancedb-linux-arm64-musl` says it is for. */
function platformOf(name: string): Pick<LockEntry, 'os' | 'cpu' | 'libc'> | undefined {
  const words = name.split('-');
  const os = words.find((word) => word in OS);
  const cpu = words.find((word) => word in CPU);
  const libc = words.find((word) => word in LIBC);
  if (os === undefined || cpu === undefined) return undefined;
  return { cpu: [cpu], ...(libc ? { libc: [LIBC[libc] as string] } : {}), os: [os] };
}

/** Adds the absent entries to `lock` in place and returns their paths. */
export function completeLock(lock: Lock): string[] {
  const added: string[] = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const hoisted = `node_modules/${name}`;
      const nested = `${path}/node_modules/${name}`;
      const platform = platformOf(name);
      if (lock.packages[hoisted] || lock.packages[nested] || !platform || !/^\d/.test(version)) continue;
      lock.packages[hoisted] = {
        version,
        ...platform,
        ...(entry.license ? { license: entry.license } : {}),
        optional: true,
        engines: { node: '>= 18' },
      };
      added.push(hoisted);
    }
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  return added;
}

if (import.meta.main) {
  const file = new URL('../package-lock.json', import.meta.url);
  const lock = JSON.parse(readFileSync(file, 'utf8')) as Lock;
  const added = completeLock(lock);
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(added.length ? `added ${added.join(', ')}\n` : 'nothing to add\n');
}
