/** What must hold for a table at any time, as its users and the manifest see it. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Manifest } from '../../../src/lance/codec/manifest.ts';
import { maintainedIndexes } from '../../../src/lance/plan/index-plan.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { MIN_ROWS } from '../../../testing/kind-rows.ts';
import { probeOf, probesAround } from './model-indexes.ts';
import type { Probe, Row } from './model-rows.ts';
import type { ModelTable } from './model-table.ts';

/** Version that each segment of segmentd was built from, by uuid. */
export type BuiltFrom = ReadonlyMap<string, number>;

/** Versions without a gap, segments disjoint and with all their files, no index but those that belong there. */
export async function checkManifest(model: ModelTable, builtFrom: BuiltFrom): Promise<Manifest> {
  const versions = await model.versions();
  const first = versions[0] as number;
  expect(versions).toEqual(versions.map((_, at) => first + at));

  const manifest = await new LanceTable(localStore(model.folder)).latest();
  expect(manifest.version).toBe(versions.at(-1));
  expect(new Set(manifest.indexes.map(({ name }) => name)), 'index names').toEqual(model.indexes);
  const rows = manifest.fragments.rows.reduce((sum, count) => sum + count, 0);
  expect(rows).toBe(model.rows.size);

  const owner = new Map<string, string>();
  for (const { name, uuid, fragments, files, datasetVersion } of manifest.indexes) {
    const live = Array.from(fragments ?? []).filter((id) => manifest.fragments.indexOf(id) >= 0);
    for (const id of live) {
      expect(owner.get(`${name} ${id}`), `fragment ${id} of ${name} is covered twice`).toBeUndefined();
      owner.set(`${name} ${id}`, uuid);
    }
    expect(files.length, `files of ${uuid}`).toBeGreaterThan(0);
    for (const { path, bytes } of files) {
      expect((await stat(join(model.folder, '_indices', uuid, path))).size, `${uuid}/${path}`).toBe(bytes);
    }
    const base = builtFrom.get(uuid);
    if (base !== undefined) expect(datasetVersion, `dataset version of ${uuid}`).toBe(base);
  }
  return manifest;
}

/** A reader that has never seen the table: it opens, its indexes list, and the questions get the model's answers. */
export async function checkAnswers(model: ModelTable, probes: readonly Probe[], manifest: Manifest): Promise<void> {
  const { version, indexes, answers } = await model.reader.ask(probes);
  expect(version).toBe(manifest.version);
  expect(new Set(indexes)).toEqual(model.indexes);
  for (const [at, probe] of probes.entries()) expect(answers[at], probe.where).toEqual(expectedKeys(model, probe));
}

/** Every row by a scan, the engine's own count of what is indexed, and all questions about all rows worth asking for. */
export async function checkEverything(model: ModelTable, builtFrom: BuiltFrom, drained: boolean): Promise<void> {
  const manifest = await checkManifest(model, builtFrom);
  const probes = model.notable.slice(-8).flatMap((row, at) => rotated(probesAround(model, row), at).slice(0, 6));
  await checkAnswers(model, probes, manifest);
  const found = await model.reader.rows();
  expect(found.sort((a, b) => a.key - b.key)).toEqual([...model.rows.values()].sort((a, b) => a.key - b.key));

  for (const { name, coverage, segments } of maintainedIndexes(manifest, 'existing', MIN_ROWS)) {
    if (drained) expect([...coverage.missing], `${name} misses fragments`).toEqual([]);
    const stats = await model.reader.stats(name);
    expect(stats?.indexed, `indexed rows of ${name}`).toBe(coverage.coveredRows);
    expect(stats?.unindexed, `unindexed rows of ${name}`).toBe(coverage.missingRows);
    if (!drained || segments.length === 0 || coverage.coveredRows === 0) continue;
    // Everything is covered, so the index alone must know the answers.
    const index = model.drawn.find((it) => it.name === name);
    if (!index) throw new Error(`no scenario makes an index ${name}`);
    const probe = probeOf(index, model.notable.at(-1) as Row);
    const { answers, plans } = await model.reader.ask([probe], true);
    expect(answers[0], `${probe.where}, fast`).toEqual(expectedKeys(model, probe));
    // Of several indexes on a column Lance considers one, and that may be no help.
    const isAlone = model.drawn.every(
      (it) => it === index || it.column !== index.column || !model.indexes.has(it.name),
    );
    if (isAlone) expect(plans[0], `${probe.where} uses an index`).toBe(true);
  }
}

const rotated = <T>(values: readonly T[], by: number): T[] =>
  values.map((_, at) => values[(at + by * 3) % values.length] as T);

const expectedKeys = (model: ModelTable, { matches }: Probe) =>
  [...model.rows.values()]
    .filter((row) => matches(row, model.rows))
    .map(({ key }) => key)
    .sort((a, b) => a - b);
