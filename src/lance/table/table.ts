/** A Lance table in a store: its manifests, read. Remembers the last one, so that an unchanged table costs one stat. */
import { SegmentdError } from '../../lib/errors.ts';
import type { VersionScheme } from '../../lib/manifest-name.ts';
import { latestVersion, versionFileName } from '../../lib/manifest-name.ts';
import type { ObjectStat, ObjectStore } from '../../store/object-store.ts';
import type { Manifest } from '../codec/manifest.ts';
import { parseManifest } from '../codec/manifest.ts';
import type { KnownFolders } from './inferred-kinds.ts';
import { withInferredKinds } from './inferred-kinds.ts';

const VERSIONS = '_versions';

type Seen = { readonly manifest: Manifest; readonly scheme: VersionScheme; readonly tag: string };

export class LanceTable {
  readonly store: ObjectStore;
  private seen: Seen | null = null;
  private readonly folders: KnownFolders = new Map();

  constructor(store: ObjectStore) {
    this.store = store;
  }

  get uri(): string {
    return this.store.root;
  }

  /** Size of the manifest that is remembered. */
  get knownBytes(): number {
    return this.seen?.manifest.file.byteLength ?? 0;
  }

  /** The latest manifest. Errors: table_not_found, table_unreadable, table_mixed_version_names, store_*. */
  async latest(): Promise<Manifest> {
    const newest = (await this.probe()) ?? (await this.discover());
    if (this.seen && newest.version === this.seen.manifest.version && newest.stat.tag === this.seen.tag) {
      return this.seen.manifest;
    }
    const manifest = await this.readVersion(newest.scheme, newest.version, this.seen?.manifest);
    // A cleanup may delete the version between the stat and the read; by then there is a newer one.
    if (!manifest) return this.forget().latest();
    this.seen = { manifest, scheme: newest.scheme, tag: newest.stat.tag };
    return manifest;
  }

  /** The manifest of one version, or null when it does not exist (yet, or any more). */
  async at(version: number): Promise<Manifest | null> {
    return this.readVersion(await this.scheme(), version);
  }

  /** Key of a version's manifest in the store, in the naming scheme the table uses. */
  async manifestKey(version: number): Promise<string> {
    return `${VERSIONS}/${versionFileName(await this.scheme(), version)}`;
  }

  private async scheme(): Promise<VersionScheme> {
    if (!this.seen) await this.latest();
    return (this.seen as Seen | null)?.scheme ?? 'V2';
  }

  private forget(): this {
    this.seen = null;
    return this;
  }

  /** Walks up from the version seen last: versions have no gaps, so the first absent one ends the walk. */
  private async probe(): Promise<{ scheme: VersionScheme; version: number; stat: ObjectStat } | null> {
    if (!this.seen) return null;
    const { scheme, manifest } = this.seen;
    const statOf = (version: number) => this.store.stat(`${VERSIONS}/${versionFileName(scheme, version)}`);
    let { version } = manifest;
    // Nearly always there is nothing newer, so both are asked at once.
    let [found, next] = await Promise.all([statOf(version), statOf(version + 1)]);
    for (; found && next; version += 1) [found, next] = [next, await statOf(version + 2)];
    return found && { scheme, version, stat: found };
  }

  private async discover(): Promise<{ scheme: VersionScheme; version: number; stat: ObjectStat }> {
    const latest = latestVersion(await this.store.list(VERSIONS));
    const stat = latest && (await this.store.stat(`${VERSIONS}/${versionFileName(latest.scheme, latest.version)}`));
    if (!latest || !stat) throw new SegmentdError('table_not_found', `no Lance table at ${this.uri}`);
    return { ...latest, stat };
  }

  private async readVersion(scheme: VersionScheme, version: number, before?: Manifest): Promise<Manifest | null> {
    const file = await this.store.read(`${VERSIONS}/${versionFileName(scheme, version)}`);
    return file && withInferredKinds(this.store, parseManifest(file, before), this.folders);
  }
}
