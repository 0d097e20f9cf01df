/** A table with an index of each kind, from its first segment to its last: segmentd and pylance by turns. */
import { connect } from '@lancedb/lancedb';
import { beforeAll, expect, test } from 'vitest';
import type { KindName } from '../../src/lib/index-kinds.ts';
import { kindUnderTest } from '../../testing/kinds.ts';
import type { TableUnderTest } from './table-under-test.ts';
import type { NewTable } from './tables.ts';
import { CANNOT_JOIN } from './tables.ts';
import type { Args } from './worker.ts';

/** Arguments of a scan by pylance: as it answers by the index, and without it. */
type Question = readonly [ask: Args, scan: Args];

type IndexUnderTest = { readonly kind: KindName; readonly column: string; readonly questions: readonly Question[] };

const filters = (...all: readonly string[]): Question[] =>
  all.map((filter) => [{ filter }, { filter, use_scalar_index: false }]);

/** Every text has the word behind a blank or at its begin, and none has a longer one that begins alike. */
const searched = (column: string, word: string): Question => [
  { full_text_query: { query: word, columns: [column] }, limit: 100_000 },
  { filter: `${column} LIKE '%${word}%'`, use_scalar_index: false },
];

/**
 * One entry per kind, with questions that its index answers for old rows and for fresh ones. An FM index takes part in `contains` alone,
 * and neither in its denial nor for an empty text is Lance right.
 */
const INDEXES: readonly IndexUnderTest[] = [
  { kind: 'btree', column: 'id', questions: filters('id = 7', 'id >= 390 AND id < 410', 'id IS NULL') },
  {
    kind: 'bitmap',
    column: 'color',
    questions: filters("color = 'red'", "color IN ('red', 'blue')", 'color IS NULL', "NOT (color = 'green')"),
  },
  {
    kind: 'label_list',
    column: 'tags',
    questions: filters(
      "array_has_any(tags, ['t1', 't3'])",
      "array_has_all(tags, ['t1', 'all'])",
      "NOT array_has_any(tags, ['t1'])",
    ),
  },
  { kind: 'fm', column: 'body', questions: filters("contains(body, 'abc3x')", "contains(body, 'no 40')") },
  { kind: 'fts', column: 'note', questions: ['word3', 'many'].map((word) => searched('note', word)) },
];

const nameOf = ({ column }: IndexUnderTest) => `${column}_idx`;

type Report = {
  readonly version: number;
  readonly fragments: readonly number[];
  readonly listed: readonly string[];
  readonly described: Readonly<
    Record<string, { type_url: string; fragments: readonly number[]; segments: number; rows: number }>
  >;
  readonly answers: readonly {
    indexed: readonly number[];
    scanned: readonly number[];
    plan: string;
    scan_plan: string;
  }[];
};

class Kinds {
  readonly table: TableUnderTest;
  readonly #major: number;

  constructor(table: TableUnderTest, major: number) {
    this.table = table;
    this.#major = major;
  }

  isRead = ({ kind }: IndexUnderTest) => kindUnderTest(kind).since <= this.#major;

  write(start: number, count: number, mode = 'append'): Promise<void> {
    return this.table.ask('kinds_write', { start, count, mode });
  }

  /** pylance makes those that it can, segmentd the others. */
  async makeIndexes(): Promise<void> {
    for (const { kind, column } of INDEXES.filter(this.isRead)) {
      await this.table.ask('kinds_index', { column, kind: kindUnderTest(kind).pylance });
    }
    await this.table.catchUp(INDEXES.filter((it) => !this.isRead(it)).map(({ column, kind }) => ({ column, kind })));
  }

  /** Answers by index are those by scan, of pylance and of LanceDB, and by the index that they are to be by. */
  async right(what: string, indexes = INDEXES): Promise<Report> {
    const asked = indexes.flatMap((index) => index.questions.map((question) => ({ index, question })));
    const report = await this.table.ask<Report>('kinds_check', { questions: asked.map(({ question }) => question) });
    const byLanceDb = await lanceDbAnswers(
      this.table,
      asked.map(({ question }) => question[0]),
    );
    for (const [at, { index, question }] of asked.entries()) {
      const say = `${what}: ${JSON.stringify(question[0])}`;
      const { indexed, scanned, plan, scan_plan } = report.answers[at] as Report['answers'][number];
      expect(indexed, say).toEqual(scanned);
      if (byLanceDb[at]) expect(byLanceDb[at], `${say} by LanceDB`).toEqual(scanned);
      const mark = kindUnderTest(index.kind).planOf(nameOf(index));
      expect(scan_plan, say).not.toContain(mark);
      if (this.isRead(index)) expect(plan, say).toContain(mark);
    }
    expect(report.listed, what).toEqual(indexes.map(nameOf).sort());
    return report;
  }

  /** The same, and each index covers each fragment once. */
  async complete(what: string, indexes = INDEXES): Promise<Report> {
    const report = await this.right(what, indexes);
    const { described, fragments } = report;
    for (const index of indexes) {
      const live = described[nameOf(index)]?.fragments.filter((id) => fragments.includes(id));
      expect(live, `${what}: ${nameOf(index)}`).toEqual(fragments);
    }
    expect(await this.table.findings(), what).toEqual([]);
    return report;
  }
}

async function lanceDbAnswers(table: TableUnderTest, asked: readonly Args[]): Promise<(number[] | undefined)[]> {
  const connection = await connect(table.database);
  const opened = await connection.openTable('rows');
  try {
    const answers: (number[] | undefined)[] = [];
    for (const { filter } of asked) {
      if (filter === undefined) answers.push(undefined);
      else {
        const rows: { id: bigint }[] = await opened.query().where(String(filter)).select(['id']).toArray();
        answers.push(rows.map(({ id }) => Number(id)).sort((a, b) => a - b));
      }
    }
    return answers;
  } finally {
    opened.close();
    connection.close();
  }
}

/** pylance of that major maintains the table too. */
export function kindsOfIndex(major: number, newTable: NewTable): void {
  let kinds: Kinds | undefined;

  beforeAll(async () => {
    const table = await newTable();
    if (!table) return;
    kinds = new Kinds(table, major);
    await kinds.write(0, 300, 'create');
    await kinds.write(300, 100);
    await kinds.makeIndexes();
  });

  test('is complete once segmentd has caught up', async () => {
    if (!kinds) return;
    await kinds.right('before');
    for (const start of [400, 500]) {
      await kinds.write(start, 100);
      const { segments } = await kinds.table.catchUp('existing');
      expect(segments.map(({ index }) => index).sort()).toEqual(INDEXES.map(nameOf).sort());
    }
    const { described } = await kinds.complete('caught up');
    for (const index of INDEXES) expect(described[nameOf(index)]?.segments, nameOf(index)).toBe(3);
  });

  test('is maintained by pylance as before, segmentd in between', async () => {
    if (!kinds) return;
    const { table } = kinds;
    await kinds.write(600, 100);
    if (major > 7) await table.ask('optimize_indices');
    else await expect(table.ask('optimize_indices')).rejects.toThrow(CANNOT_JOIN_KINDS);
    await table.catchUp('existing');
    await kinds.complete('optimize_indices');
    await table.ask('delete', { where: 'id % 10 = 3' });
    await kinds.right('delete');
    await table.ask('update', { where: 'id % 20 = 4', values: { color: "'green'", body: "'moved abc3xyz'" } });
    await kinds.right('update');
    await table.catchUp('existing');
    await kinds.complete('update and segmentd');
    await table.ask('compact_files');
    await kinds.right('compact_files');
    await table.catchUp('existing');
    await kinds.complete('compact_files and segmentd');
  });

  test('is merged by segmentd, and lets its indexes be dropped, made again and restored', async () => {
    if (!kinds) return;
    const { table } = kinds;
    const { version } = await kinds.right('before the merge');
    await kinds.write(700, 50);
    await table.catchUp('existing');
    expect((await table.merge(1))?.kind).toBe('landed');
    const { described } = await kinds.complete('merge');
    for (const index of INDEXES) expect(described[nameOf(index)]?.segments, nameOf(index)).toBe(1);
    await table.ask('drop_index', { name: 'color_idx' });
    await kinds.complete(
      'drop_index',
      INDEXES.filter(({ column }) => column !== 'color'),
    );
    await table.ask('restore', { version });
    await kinds.right('restore');
    await kinds.write(800, 50);
    await table.catchUp('existing');
    await kinds.complete('restore and segmentd');
  });
}

/** lance 7 joins no segments: of a BTREE it finds no entry, at other kinds it panics. The table stays as it is. */
const CANNOT_JOIN_KINDS = new RegExp(`${CANNOT_JOIN.source}|not implemented`);
