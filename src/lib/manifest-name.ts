/**
 * Names of manifests under `_versions/`.
 *
 *   V1 = decimal(version) ".manifest"                        V2 = 20 digits of (2^64 - 1 - version) ".manifest"
 *   "d" ... = a detached version, not in the version line    all else = staging files and hints, ignored
 *
 * Listings of a table and notifications of an object store are read by this one rule.
 */

import { SegmentdError } from './errors.ts';

export type VersionScheme = 'V1' | 'V2';
type ManifestName = { readonly scheme: VersionScheme; readonly version: number };

const V2_BASE = 2n ** 64n - 1n;
const V2_DIGITS = 20;

export function versionFileName(scheme: VersionScheme, version: number): string {
  return scheme === 'V1'
    ? `${version}.manifest`
    : `${String(V2_BASE - BigInt(version)).padStart(V2_DIGITS, '0')}.manifest`;
}

/** What a file name says, or null when it is not the manifest of a version that a number holds exactly. */
export function parseManifestName(name: string): ManifestName | null {
  const digits = /^(\d{1,20})\.manifest$/.exec(name)?.[1];
  if (digits === undefined) return null;
  const scheme = digits.length === V2_DIGITS ? 'V2' : 'V1';
  const version = Number(scheme === 'V2' ? V2_BASE - BigInt(digits) : BigInt(digits));
  return Number.isSafeInteger(version) ? { scheme, version } : null;
}

/**
 * The latest version among the names of a `_versions/` listing, or null when there is none. One folder keeps one scheme: Lance refuses a mix.
 * Errors: table_mixed_version_names.
 */
export function latestVersion(names: Iterable<string>): ManifestName | null {
  let latest: ManifestName | null = null;
  let newest = '';
  for (const name of names) {
    // Of names as long as a V2 name, one that sorts behind it is an older version, or none. A table may have thousands, and a commit looks at all of them.
    if (name.length === newest.length && name > newest) continue;
    const found = parseManifestName(name);
    if (found === null) continue;
    if (latest && latest.scheme !== found.scheme) {
      throw new SegmentdError('table_mixed_version_names', 'found V1 and V2 manifest names in one _versions directory');
    }
    if (latest && found.version <= latest.version) continue;
    latest = found;
    if (found.scheme === 'V2') newest = name;
  }
  return latest;
}
