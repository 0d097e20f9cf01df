/** The version line of a table, from the names under `_versions/`. One directory keeps one scheme: Lance refuses a mix. */
import { SegmentdError } from '../../lib/errors.ts';
import type { ManifestName } from '../../lib/manifest-name.ts';
import { parseManifestName } from '../../lib/manifest-name.ts';

export type { VersionScheme } from '../../lib/manifest-name.ts';
export { versionFileName } from '../../lib/manifest-name.ts';

/** The latest version among the names of a `_versions/` listing, or null when there is none. */
export function latestVersion(names: Iterable<string>): ManifestName | null {
  let latest: ManifestName | null = null;
  for (const name of names) {
    const found = parseManifestName(name);
    if (found === null) continue;
    if (latest && latest.scheme !== found.scheme) {
      throw new SegmentdError('table_mixed_version_names', 'found V1 and V2 manifest names in one _versions directory');
    }
    if (!latest || found.version > latest.version) latest = found;
  }
  return latest;
}
