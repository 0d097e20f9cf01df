/** A Lance table in a store: its manifests, read. Remembers the last one, so that an unchanged table costs two stats and its hint. */
import { SegmentdError } from '../../lib/errors.ts';
import type { VersionScheme } from '../../lib/manifest-name.ts';
import { latestVersion, versionFileName } from '../../lib/manifest-name.ts';
import type { ObjectStat, ObjectStore } from '../../store/object-store.ts';
import type { Manifest } from '../codec/manifest.ts';
import { parseManifest } from '../codec/manifest.ts';
import type { KnownFolders } from './inferred-kinds.ts';
import { withInferredKinds } from './inferred-kinds.ts';

const VERSIONS = '_versions';
const HINT = `${VERSIONS}/latest_version_hint.json`;

/** How long a listing is relied on, milliseconds: what only a listing shows is seen by then. */
const LIST_EVERY_MS = 60_000;
const DISCOVER_TRIES = 3;

type Newest = { readonly scheme: VersionScheme; readonly version: number; readonly stat: ObjectStat };
type Seen = { readonly manifest: Manifest; readonly scheme: VersionScheme; readonly tag: string };

export class LanceTable {
  readonly store: ObjectStore;
  private seen: Seen | null = null;
  private listedAtMs = 0;
  private readonly now: () => number;
  private readonly folders: KnownFolders = new Map();

  /** `now` is for tests: milliseconds since the epoch. */
  constructor(store: ObjectStore, now: () => number = Date.now) {
    this.store = store;
    this.now = now;
  }

  get uri(): string {
    return this.store.root;
  }

  /** Size of the manifest that is remembered. */
  get knownBytes(): number {
    return this.seen?.manifest.file.byteLength ?? 0;
  }

  /**
   * The latest manifest. Without a listing as far as that can be told; `listed` makes it certain, as a commit needs it, which is the
   * version after it. Errors: table_not_found, table_unreadable, table_mixed_version_names, store_*.
   */
  async latest({ listed = false } = {}): Promise<Manifest> {
    const newest = (listed ? null : await this.probe()) ?? (await this.discover());
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

  /** The version that Lance's writers, and segmentd, left as a hint; 0 when there is none that can be read. */
  async hintedVersion(): Promise<number> {
    try {
      const hint: unknown = JSON.parse(new TextDecoder().decode((await this.store.read(HINT)) ?? undefined));
      const version = (hint as { version?: unknown } | null)?.version;
      return typeof version === 'number' ? version : 0;
    } catch {
      return 0;
    }
  }

  /** Leaves the hint for readers of a store that does not list in order; never one that is lower than what is there. */
  async hintAt(version: number): Promise<void> {
    if (this.store.listsInOrder || (await this.hintedVersion()) >= version) return;
    await this.store.put(HINT, new TextEncoder().encode(JSON.stringify({ version })));
  }

  /**
   * Walks up from the version seen last to the first that is absent; null where only a listing can tell. A cleanup that spares a
   * tagged version leaves a gap above it, which would end the walk too early: a hint from beyond it tells, or in time the listing.
   */
  private async probe(): Promise<Newest | null> {
    if (!this.seen || this.now() - this.listedAtMs >= LIST_EVERY_MS) return null;
    const { scheme, manifest } = this.seen;
    const statOf = (version: number) => this.store.stat(`${VERSIONS}/${versionFileName(scheme, version)}`);
    let { version } = manifest;
    // Nearly always there is nothing newer, so both are asked at once.
    let [found, next, hinted] = await Promise.all([statOf(version), statOf(version + 1), this.hintedVersion()]);
    for (; found && next; version += 1) [found, next] = [next, await statOf(version + 2)];
    return found && hinted <= version ? { scheme, version, stat: found } : null;
  }

  private async discover(): Promise<Newest> {
    // A cleanup may delete the version between the listing and the stat; by then there is a newer one.
    for (let tries = 1; tries <= DISCOVER_TRIES; tries++) {
      this.listedAtMs = this.now();
      const latest = latestVersion(await this.store.list(VERSIONS));
      if (!latest) break;
      const stat = await this.store.stat(`${VERSIONS}/${versionFileName(latest.scheme, latest.version)}`);
      if (stat) return { ...latest, stat };
    }
    throw new SegmentdError('table_not_found', `no Lance table at ${this.uri}`);
  }

  private async readVersion(scheme: VersionScheme, version: number, before?: Manifest): Promise<Manifest | null> {
    const file = await this.store.read(`${VERSIONS}/${versionFileName(scheme, version)}`);
    return file && withInferredKinds(this.store, parseManifest(file, before), this.folders);
  }
}
