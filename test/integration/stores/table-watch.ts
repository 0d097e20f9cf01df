/** What must hold of a table whatever the store answers, said in sentences: none when all is well. */
import { connect } from '@lancedb/lancedb';
import type { Manifest } from '../../../src/lance/codec/manifest.ts';
import { findMissingFiles } from '../../../src/lance/commit/upload.ts';
import { maintainedIndexes } from '../../../src/lance/plan/index-plan.ts';
import { nameOf } from '../../../testing/people.ts';
import type { StoreServer } from '../../../testing/stores/store-server.ts';
import { coveredOf } from '../model/merge-checks.ts';
import type { StoreTable } from './s3-table.ts';
import { directly } from './s3-table.ts';

/** Of an error of LanceDB, which goes on with a stack. */
const SHOWN_CHARACTERS = 200;

export class TableWatch {
  readonly #table: StoreTable;
  #before: Manifest;
  /** Segments that some version names or named: their files are never deleted, as no version is. */
  readonly #named: Set<string>;
  #merges = 0;

  private constructor(table: StoreTable, first: Manifest) {
    this.#table = table;
    this.#before = first;
    this.#named = new Set(first.indexes.map(({ uuid }) => uuid));
  }

  static async of(table: StoreTable): Promise<TableWatch> {
    return new TableWatch(table, await table.seen().latest());
  }

  /** Checks every version since the last call. The latest one has to cover what was there in version `upTo`; all of it unless given. */
  async faults(upTo?: number): Promise<string[]> {
    const lance = this.#table.seen();
    const { version } = await lance.latest({ listed: true });
    const found: string[] = [];
    for (let at = this.#before.version + 1; at <= version; at++) {
      const manifest = await lance.at(at);
      if (!manifest) return [...found, `version ${at} is not there`];
      found.push(...this.#faultsOf(manifest), ...(await this.#missingFiles(manifest)));
      this.#merges += Number(manifest.transaction?.properties.has('segmentd.merged') ?? false);
      this.#before = manifest;
    }
    const folders = new Set(await lance.store.folders('_indices'));
    for (const uuid of this.#named) {
      if (folders.has(uuid)) continue;
      found.push(`the files of segment ${uuid} are gone`);
      this.#named.delete(uuid);
    }
    const asked = upTo === undefined ? this.#before : await lance.at(upTo);
    for (const { name, coverage } of maintainedIndexes(this.#before, 'existing')) {
      const missing = [...coverage.missing].filter((id) => (asked?.fragments.indexOf(id) ?? -1) >= 0);
      if (missing.length > 0) found.push(`${name} misses the fragments ${missing.join()}`);
    }
    return found;
  }

  /** Versions in which merges landed. */
  get merges(): number {
    return this.#merges;
  }

  /** Segments in the store that no version names. */
  async orphans(): Promise<number> {
    const folders = (await this.#table.seen().store.folders('_indices')) ?? [];
    return folders.filter((uuid) => !this.#named.has(uuid)).length;
  }

  #faultsOf(manifest: Manifest): string[] {
    const found: string[] = [];
    const seen = new Set<string>();
    for (const { name, fragments } of manifest.indexes) {
      for (const id of fragments ?? []) {
        const entry = `${name} ${id}`;
        if (seen.has(entry)) found.push(`version ${manifest.version} covers ${entry} twice`);
        seen.add(entry);
      }
    }
    const covered = coveredOf(manifest);
    for (const entry of coveredOf(this.#before)) {
      // Nothing compacts here: every fragment stays.
      if (!covered.has(entry)) found.push(`version ${manifest.version} covers ${entry} no more`);
    }
    return found;
  }

  async #missingFiles(manifest: Manifest): Promise<string[]> {
    const fresh = manifest.indexes.filter(({ uuid }) => !this.#named.has(uuid));
    for (const { uuid } of fresh) this.#named.add(uuid);
    const missing = await findMissingFiles(this.#table.seen().store, fresh, manifest.basePaths);
    return missing.map((file) => `version ${manifest.version} names ${file}, which is not there as it says`);
  }
}

/** Lookups that a new connection of LanceDB answers wrongly, or without the index. */
export async function wrongLookups(
  { ref }: StoreTable,
  server: StoreServer,
  ids: readonly number[],
): Promise<string[]> {
  const database = ref.uri.slice(0, ref.uri.lastIndexOf('/'));
  const connection = await connect(database, directly(server, database));
  const table = await connection.openTable(ref.name);
  try {
    const found: string[] = [];
    for (const id of ids) {
      try {
        const query = table.query().where(`id = ${id}`);
        const rows = (await query.toArray()) as { name: string }[];
        const [plan, names] = [await query.explainPlan(true), rows.map(({ name }) => name).join()];
        if (!plan.includes('ScalarIndexQuery')) found.push(`id ${id} is looked up without the index`);
        if (names !== nameOf(id)) found.push(`id ${id} is looked up as ${names}`);
      } catch (error) {
        found.push(`id ${id} cannot be looked up: ${String(error).slice(0, SHOWN_CHARACTERS)}`);
      }
    }
    return found;
  } finally {
    table.close();
    connection.close();
  }
}
