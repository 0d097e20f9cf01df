/**
 * Names under `_versions/`.
 *
 *   V1 = decimal(version) ".manifest"                        V2 = 20 digits of (2^64 - 1 - version) ".manifest"
 *   "d" ... = a detached version, not in the version line    all else = staging files and hints, ignored
 *
 * One directory keeps one scheme: Lance refuses a directory that mixes them.
 */
import { SegmentdError } from '../lib/errors.ts';

export type VersionScheme = 'V1' | 'V2';

const V2_BASE = 2n ** 64n - 1n;

export function versionFileName(scheme: VersionScheme, version: number): string {
  return scheme === 'V1' ? `${version}.manifest` : `${String(V2_BASE - BigInt(version)).padStart(20, '0')}.manifest`;
}

/** The latest version among the names of a `_versions/` listing, or null when there is none. */
export function latestVersion(names: Iterable<string>): { scheme: VersionScheme; version: number } | null {
  let latest: { scheme: VersionScheme; version: number } | null = null;
  for (const name of names) {
    const digits = /^(\d{1,20})\.manifest$/.exec(name)?.[1];
    if (digits === undefined) continue;
    const scheme = digits.length === 20 ? 'V2' : 'V1';
    const version = Number(scheme === 'V2' ? V2_BASE - BigInt(digits) : BigInt(digits));
    if (!Number.isSafeInteger(version)) continue;
    if (latest && latest.scheme !== scheme) {
      throw new SegmentdError('table_mixed_version_names', 'found V1 and V2 manifest names in one _versions directory');
    }
    if (!latest || version > latest.version) latest = { scheme, version };
  }
  return latest;
}
