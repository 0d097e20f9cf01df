import { debianPrograms } from './debian-package.ts';

/** Commands to run. */
export type Binaries = { readonly prometheus: string; readonly promtool: string };

let found: Promise<Binaries | undefined> | undefined;

/** Prometheus and promtool: those on the PATH, else Debian's. See debianPrograms. */
export function findPrometheus(): Promise<Binaries | undefined> {
  found ??= debianPrograms('prometheus', ['prometheus', 'promtool']);
  return found;
}
