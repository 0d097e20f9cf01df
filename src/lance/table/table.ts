/**
 * A Lance table in a store: its manifests, read. Remembers the last one, so that an unchanged table costs two stats and its hint on a disk,
 * and one listing of one name in an object store.
 */
import { SegmentdError } from '../../lib/errors.ts';
import type { VersionScheme } from '../../lib/manifest-name.ts';
import { versionFileName } from '../../lib/manifest-name.ts';
import { RecentMap } from '../../lib/recent-map.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Manifest } from '../codec/manifest.ts';
import { parseManifest } from '../codec/manifest.ts';
import type { TablePlace } from '../segment.ts';
import type { KnownParameters } from './file-parameters.ts';
import { KNOWN_PARAMETERS, withFileParameters } from './file-parameters.ts';
import type { KnownFolders } from './inferred-kinds.ts';
import { withInferredKinds } from './inferred-kinds.ts';
import type { Newest } from './newest-version.ts';
import { listedNewest, probedNewest, VERSIONS } from './newest-version.ts';

const HINT = `${VERSIONS}/latest_version_hint.json`;

/** How long a listing of a store without order is relied on, milliseconds: what only a listing shows is seen by then. */
const LIST_EVERY_MS = 60_000;

/** How old the last look at a remote table may be for a plan: the commit finds out when the table has moved since. */
const RECENT_MS = 5_000;

/** A look at a disk is some microseconds; one at an object store is a request, which is paid for. */
const LOOK_EVERY_MS = { local: 50, remote: 1_000 };

type Seen = { readonly manifest: Manifest; readonly scheme: VersionScheme; readonly tag: string };

/** How certain the latest manifest has to be. */
export type Look = {
  /** The store is asked in a way that cannot miss a version, as a commit needs it, which is the version after it. */
  readonly listed?: boolean;
  /** A manifest that was the latest some seconds ago will do, where looking again is a request. */
  readonly recent?: boolean;
  /** A version that is said to be there: read at once, in the hope that it is the latest. */
  readonly announced?: number;
};

/** A version of the table at `uri` that this process made; `tag` is the store's, of its manifest. */
export type LandedVersion = { readonly uri: string; readonly version: number; readonly tag: string };

/** Called for each of them, at once. Must not throw. */
export type OnLanded = (landed: LandedVersion) => void;

export type TableOptions = {
  /** For tests: milliseconds since the epoch. */
  readonly now?: () => number;
  readonly onLanded?: OnLanded | undefined;
};

export class LanceTable {
  readonly store: ObjectStore;
  private seen: Seen | null = null;
  private expected: { readonly file: Uint8Array; readonly manifest: Promise<Manifest | null> } | null = null;
  private listedAtMs = 0;
  /** Looks so far, commits of this process among them, and the one that `seen` is of. */
  private looks = 0;
  private seenByLook = 0;
  /** When `seen` was last known to be the latest. */
  private confirmedAtMs = Number.NEGATIVE_INFINITY;
  private readonly now: () => number;
  private readonly onLanded: OnLanded | undefined;
  private readonly folders: KnownFolders = new Map();
  private readonly parameters: KnownParameters = new RecentMap(KNOWN_PARAMETERS);
  private readonly barren = new Map<string, Map<number, Uint8Array>>();

  constructor(store: ObjectStore, { now = Date.now, onLanded }: TableOptions = {}) {
    this.store = store;
    this.now = now;
    this.onLanded = onLanded;
  }

  get uri(): string {
    return this.store.root;
  }

  /** How often it is worth to look again for a version that is to come, milliseconds. */
  get lookEveryMs(): number {
    return this.store.remote ? LOOK_EVERY_MS.remote : LOOK_EVERY_MS.local;
  }

  /** For LanceDB's engine. Errors: config_invalid when a secret's file cannot be read. */
  place(): TablePlace {
    const { root: uri, remote } = this.store;
    return { uri, remote, storageOptions: this.store.engineOptions() };
  }

  /** Size of the manifest that is remembered. */
  get knownBytes(): number {
    return this.seen?.manifest.file.byteLength ?? 0;
  }

  /** The latest manifest. Errors: table_not_found, table_unreadable, table_mixed_version_names, store_*. */
  async latest({ listed = false, recent = false, announced = 0 }: Look = {}): Promise<Manifest> {
    if (recent && this.seen && this.seen.manifest.version >= announced && this.isRecent(this.seen.manifest)) {
      return this.seen.manifest;
    }
    const startedAtMs = this.now();
    const look = this.nextLook();
    const [newest, guess] = await Promise.all([this.newest(listed), this.guess(announced)]);
    if (newest === null) throw new SegmentdError('table_not_found', `no Lance table at ${this.uri}`);
    const { scheme, version, stat } = newest;
    // A look that began later, or a commit of this process, has told more meanwhile.
    if (look < this.seenByLook && this.seen) return this.seen.manifest;
    const isKnown = (known: Seen | null) => known?.manifest.version === version && known.tag === stat.tag;
    if (isKnown(guess)) this.seen = guess;
    else if (!isKnown(this.seen)) {
      const read = await this.readVersion(scheme, version, this.seen?.manifest);
      // A cleanup may delete the version between the look and the read; by then there is a newer one.
      if (!read) return this.forget().latest();
      if (read.manifest.version !== version) {
        const file = `${this.uri}/${VERSIONS}/${versionFileName(scheme, version)}`;
        throw new SegmentdError('table_unreadable', `${file} says that it is version ${read.manifest.version}`);
      }
      this.seen = read;
    }
    this.seenByLook = Math.max(this.seenByLook, look);
    this.confirmedAtMs = startedAtMs;
    return (this.seen as Seen).manifest;
  }

  /** Whether `manifest` was the latest some seconds ago; false where a look costs nothing. */
  isRecent(manifest: Manifest): boolean {
    const isRemembered = this.store.remote && this.seen?.manifest === manifest;
    return isRemembered && this.now() - this.confirmedAtMs < RECENT_MS;
  }

  /** The version that a listing shows now as the latest, 0 for none. Errors: table_mixed_version_names, store_*. */
  async listedVersion(): Promise<number> {
    return (await listedNewest(this.store))?.version ?? 0;
  }

  /** Notes fragments of a manifest over which no segment of the index could be built: they wait for others to come along. */
  noteBarren({ fragments: list }: Manifest, index: string, fragments: Iterable<number>): void {
    const noted = this.barren.get(index) ?? new Map<number, Uint8Array>();
    this.barren.set(index, noted);
    // A copy: a view would keep the whole file.
    for (const id of fragments) noted.set(id, Uint8Array.from(list.bytesOf(list.indexOf(id))));
  }

  /** Whether `manifest` is the last one that was seen here. */
  remembers(manifest: Manifest): boolean {
    return this.seen?.manifest === manifest;
  }

  /** Parses the file of a version ahead that is being put: the disk takes its time. */
  expect(file: Uint8Array): void {
    this.expected = { file, manifest: this.parsed(file) };
  }

  /** Notes a version that this process has just made: its file and the tag that the store gave it. */
  async landed(version: number, file: Uint8Array, tag: string): Promise<void> {
    // Before anything is awaited: the store's notification of this version is on its way.
    this.onLanded?.({ uri: this.uri, version, tag });
    const scheme = await this.scheme();
    if ((this.seen?.manifest.version ?? 0) >= version) return;
    const { expected } = this;
    this.expected = null;
    const manifest = await (expected?.file === file ? expected.manifest : this.parsed(file));
    if (!manifest) return;
    this.seen = { manifest, scheme, tag };
    this.seenByLook = this.nextLook();
    this.confirmedAtMs = this.now();
  }

  /** The manifest of one version, or null when it does not exist (yet, or any more). */
  async at(version: number): Promise<Manifest | null> {
    return (await this.readVersion(await this.scheme(), version))?.manifest ?? null;
  }

  /** Key of a version's manifest in the store, in the naming scheme the table uses. */
  async manifestKey(version: number): Promise<string> {
    return `${VERSIONS}/${versionFileName(await this.scheme(), version)}`;
  }

  /** The file of a version's manifest, or null when it does not exist. */
  async manifestFile(version: number): Promise<Uint8Array | null> {
    return (await this.store.read(await this.manifestKey(version)))?.content ?? null;
  }

  private async scheme(): Promise<VersionScheme> {
    if (!this.seen) await this.latest();
    return (this.seen as Seen | null)?.scheme ?? 'V2';
  }

  private nextLook(): number {
    this.looks += 1;
    return this.looks;
  }

  private forget(): this {
    this.seen = null;
    return this;
  }

  /**
   * The version that a writer left as a hint; 0 when there is none that can be read. segmentd leaves none: on a disk Lance reads the folder, and each
   * file that is replaced makes the ones that come after it dearer (ext4 passes over an inode that became free a moment ago).
   */
  async hintedVersion(): Promise<number> {
    try {
      const file = await this.store.read(HINT);
      if (!file) return 0;
      const hint: unknown = JSON.parse(new TextDecoder().decode(file.content));
      const version = (hint as { version?: unknown } | null)?.version;
      return typeof version === 'number' ? version : 0;
    } catch {
      return 0;
    }
  }

  private async newest(listed: boolean): Promise<Newest | null> {
    const isListed = listed || this.store.listsInOrder || this.now() - this.listedAtMs >= LIST_EVERY_MS;
    const probed = isListed || !this.seen ? null : await this.probe(this.seen);
    if (probed) return probed;
    this.listedAtMs = this.now();
    return listedNewest(this.store);
  }

  /**
   * A cleanup that spares a tagged version leaves a gap above it, which would end a walk from version to version too early: a hint from
   * beyond it tells, or in time the listing.
   */
  private async probe({ scheme, manifest }: Seen): Promise<Newest | null> {
    const [newest, hinted] = await Promise.all([
      probedNewest(this.store, scheme, manifest.version),
      this.hintedVersion(),
    ]);
    return newest && hinted <= newest.version ? newest : null;
  }

  /** Reads what is said to be there while the store is listed; a store whose listing is cheap is listed alone. */
  private async guess(announced: number): Promise<Seen | null> {
    if (!this.store.remote || announced <= (this.seen?.manifest.version ?? 0)) return null;
    return this.readVersion(this.seen?.scheme ?? 'V2', announced, this.seen?.manifest);
  }

  private async readVersion(scheme: VersionScheme, version: number, before?: Manifest): Promise<Seen | null> {
    const key = `${VERSIONS}/${versionFileName(scheme, version)}`;
    const read = await this.store.read(key);
    if (!read) return null;
    try {
      const manifest = await this.parse(read.content, before);
      return { manifest, scheme, tag: read.tag };
    } catch (error) {
      if (!(error instanceof SegmentdError && error.code === 'table_unreadable')) throw error;
      throw new SegmentdError(error.code, `${this.uri}/${key}: ${error.message}`, { cause: error });
    }
  }

  /**
   * Null where a file beside it cannot be read: what is in the table by now must not look as if it were not, and the next look reads it.
   */
  private parsed(file: Uint8Array): Promise<Manifest | null> {
    return this.parse(file, this.seen?.manifest).catch(() => null);
  }

  /** The manifest with what it does not say itself. */
  private async parse(file: Uint8Array, before?: Manifest): Promise<Manifest> {
    const manifest = await withInferredKinds(this.store, parseManifest(file, before), this.folders);
    const { barren } = this;
    return { ...(await withFileParameters(this.store, manifest, this.parameters)), barren };
  }
}
