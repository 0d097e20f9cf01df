import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EvidenceFolder } from '../../../src/control/evidence.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const finding = (table: string, day: number) => ({
  ...{ table, at: `2026-11-0${day}T09:00:00.000Z`, version: 40 + day, index: 'id_idx' },
  answers: [{ key: '`id` = 7', expected_rows: 1, found_rows: 0 }],
});

test('a finding is a file of its own that only its user reads, and is known by its table', async () => {
  const folder = join(await tempDir(), 'made', 'when needed');
  const evidence = new EvidenceFolder(folder);
  await evidence.load();
  expect(evidence.of('lake/t')).toBeNull();
  const file = await evidence.keep(finding('lake/t', 1));
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(finding('lake/t', 1));
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const known = { at: '2026-11-01T09:00:00.000Z', version: 41, index: 'id_idx', evidence: file };
  expect(evidence.of('lake/t')).toEqual(known);
  // Another process knows it, too.
  const next = new EvidenceFolder(folder);
  await next.load();
  expect([next.of('lake/t'), next.of('lake/u')]).toEqual([known, null]);
});

test('no name of a table or an index leaves the folder', async () => {
  const folder = await tempDir();
  await new EvidenceFolder(folder).keep({ ...finding('lake/../../x\n$y', 1), index: '/etc/passwd' });
  expect(await readdir(folder)).toEqual(['wrong-answer-2026-11-01T09-00-00-000Z-lake_x_y-41-_etc_passwd.json']);
});

test('the oldest files go, and none that is not such a file', async () => {
  const folder = await tempDir();
  await writeFile(join(folder, 'notes.json'), '{}');
  const evidence = new EvidenceFolder(folder, 2);
  for (const day of [2, 1, 3, 4]) await evidence.keep(finding(`lake/t${day}`, day));
  const names = await readdir(folder);
  expect(names.map((name) => name.slice(0, 23)).sort((a, b) => a.localeCompare(b))).toEqual([
    ...['notes.json', 'wrong-answer-2026-11-03', 'wrong-answer-2026-11-04'],
  ]);
});

test('files that say nothing are passed over', async () => {
  const folder = await tempDir();
  const name = (day: number) => join(folder, `wrong-answer-2026-11-0${day}T09-00-00-000Z-a-1-b.json`);
  for (const [at, text] of ['', '{', 'null', '{"table":"lake/t","at":"2026"}'].entries())
    await writeFile(name(at), text);
  await mkdir(name(5));
  await writeFile(name(6), JSON.stringify(finding('lake/t', 6)));
  const evidence = new EvidenceFolder(folder);
  await evidence.load();
  expect(evidence.of('lake/t')).toMatchObject({ version: 46, evidence: name(6) });
});

test('what cannot be written is known all the same', async () => {
  const folder = join(await tempDir(), 'file');
  await writeFile(folder, '');
  const evidence = new EvidenceFolder(folder);
  await expect(evidence.keep(finding('lake/t', 1))).rejects.toThrow();
  expect(evidence.of('lake/t')).toMatchObject({ version: 41, evidence: null });
});

test('where another user may have written, nothing is read nor kept, and the finding is known all the same', async () => {
  const shared = join(await tempDir(), 'tmp');
  const folder = join(shared, 'evidence');
  await mkdir(folder, { recursive: true });
  await chmod(shared, 0o1777);
  await chmod(folder, 0o777);
  const evidence = new EvidenceFolder(folder);
  await expect(evidence.load()).rejects.toThrow('can be written to by other users');
  await expect(evidence.keep(finding('lake/t', 1))).rejects.toThrow('can be written to by other users');
  expect(await readdir(folder)).toEqual([]);
  expect(evidence.of('lake/t')).toMatchObject({ version: 41, evidence: null });
});
