/** What docs/errors.md says to do about one index, of a table whose others are served all the while. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, test } from 'vitest';
import type { IndexMetadata } from '../../src/lance/codec/index-metadata.ts';
import { withoutFields } from '../../src/lance/codec/manifest.ts';
import { surveyIndexes } from '../../src/lance/plan/index-plan.ts';
import { detailsOf } from '../../src/lance/plan/kinds/kind.ts';
import type { WantedIndexes } from '../../src/lance/plan/wanted-index.ts';
import type { ErrorCode } from '../../src/lib/errors.ts';
import { kindUnderTest } from '../../testing/kinds.ts';
import { forgeEntries, withVarint } from './forge.ts';
import type { TableUnderTest } from './table-under-test.ts';
import type { NewTable } from './tables.ts';

type Step = (table: TableUnderTest) => Promise<unknown>;

function withDetails(entry: Uint8Array, typeUrl: string, value: Uint8Array): Uint8Array {
  const details = new BinaryWriter().tag(6, WireType.LengthDelimited).fork();
  details.tag(1, WireType.LengthDelimited).string(typeUrl);
  details.tag(2, WireType.LengthDelimited).bytes(value).join();
  return Buffer.concat([...withoutFields(entry, new Set([6])), details.finish()]);
}

const indexNotes = (table: TableUnderTest, options: object = {}) =>
  table.ask('kinds_index', { column: 'note', kind: 'INVERTED', name: 'note_idx', options });

const STEM = 6;

/** The details of a full-text index that does not stem, as if it did. */
function withOtherStemming({ raw, typeUrl, details }: IndexMetadata): Uint8Array {
  const value = detailsOf(details);
  return withDetails(raw, typeUrl, withVarint(value.bytes.subarray(value.pos, value.end), STEM, 1));
}

const KIND_QUESTIONS = [
  [{ filter: "color = 'red'" }, { filter: "color = 'red'", use_scalar_index: false }],
  [{ filter: 'id >= 150' }, { filter: 'id >= 150', use_scalar_index: false }],
];

type IndexAdvice = {
  readonly code: ErrorCode;
  readonly what: string;
  readonly damage: Step;
  /** Whether the index is left alone, or the table, as one that the configuration names. */
  readonly asked: WantedIndexes;
  readonly follow: (table: TableUnderTest) => Promise<WantedIndexes>;
  /** Indexes that have a segment of segmentd in the end. */
  readonly served: readonly string[];
};

const COLOR = { column: 'color', kind: 'bitmap' } as const;
const ID = { column: 'id', kind: 'btree' } as const;

export const INDEX_ADVICE: readonly IndexAdvice[] = [
  {
    code: 'index_kind_unsupported',
    what: 'letting the Lance that made it maintain it',
    damage: (table) => table.ask('kinds_index', { column: 'body', kind: 'NGRAM', name: 'body_idx' }),
    asked: 'existing',
    follow: async (table) => {
      await table.ask('optimize_indices');
      return 'existing';
    },
    served: ['id_idx', 'color_idx'],
  },
  {
    code: 'index_kind_by_name',
    what: 'naming the index',
    damage: (table) => table.ask('kinds_vectors', { index_type: 'IVF_RQ' }),
    asked: 'existing',
    follow: async () => [{ column: 'vector', kind: 'ivf_rq' }, COLOR, ID],
    served: ['vector_idx', 'id_idx', 'color_idx'],
  },
  {
    code: 'index_parameters_unknown',
    what: 'letting the writer that made it maintain it',
    damage: (table) => indexNotes(table, { max_token_length: null }),
    asked: 'existing',
    follow: async (table) => {
      await table.ask('optimize_indices');
      return 'existing';
    },
    served: ['id_idx', 'color_idx'],
  },
  {
    code: 'index_parameters_mixed',
    what: 'dropping it and creating it again',
    damage: async (table) => {
      await indexNotes(table, { stem: false });
      await table.ask('kinds_write', { start: 1000, count: 50, mode: 'append' });
      await table.ask('optimize_indices', { num_indices_to_merge: 0 });
      const [one, other] = (await table.open().latest()).indexes.filter(({ name }) => name === 'note_idx');
      if (!one || !other) throw new Error('the index has to have two segments');
      await forgeEntries(table.uri, 'note_idx', (entry) =>
        entry.uuid === one.uuid ? [entry.raw] : [withOtherStemming(entry)],
      );
    },
    asked: 'existing',
    follow: async (table) => {
      await table.ask('drop_index', { name: 'note_idx' });
      await indexNotes(table);
      return 'existing';
    },
    served: ['id_idx', 'color_idx', 'note_idx'],
  },
  {
    code: 'index_parameters_differ',
    what: 'correcting the configuration',
    damage: (table) => indexNotes(table),
    asked: [{ column: 'note', kind: 'fts', parameters: { language: 'German' } }],
    follow: async () => [{ column: 'note', kind: 'fts', parameters: { language: 'English' } }, COLOR, ID],
    served: ['note_idx', 'id_idx', 'color_idx'],
  },
  {
    code: 'index_parameters_differ',
    what: 'dropping the index, which segmentd makes anew',
    damage: (table) => indexNotes(table),
    asked: [{ column: 'note', kind: 'fts', parameters: { language: 'German' } }],
    follow: async (table) => {
      await table.ask('drop_index', { name: 'note_idx' });
      return [{ column: 'note', kind: 'fts', parameters: { language: 'German' } }, COLOR, ID];
    },
    served: ['note_idx', 'id_idx', 'color_idx'],
  },
];

export function indexAdvice(newTable: NewTable): void {
  describe.each(INDEX_ADVICE)('$code: $what', ({ code, damage, asked, follow, served }) => {
    test('is what makes it right', async () => {
      const table = await newTable();
      if (!table) return;
      await table.ask('kinds_write', { start: 0, count: 100, mode: 'create' });
      for (const { column, kind } of [ID, COLOR]) {
        await table.ask('kinds_index', { column, kind: kindUnderTest(kind).pylance });
      }
      await table.ask('kinds_write', { start: 100, count: 100, mode: 'append' });
      await damage(table);
      if (asked === 'existing') {
        const { left } = surveyIndexes(await table.open().latest(), asked);
        expect(left.map(({ reason }) => reason.code)).toEqual([code]);
      } else await expect(table.catchUp(asked)).rejects.toMatchObject({ code });
      const wanted = await follow(table);
      await table.ask('kinds_write', { start: 200, count: 100, mode: 'append' });
      const { segments } = await table.catchUp(wanted, undefined, undefined, 1);
      expect(new Set(segments.map(({ index }) => index))).toEqual(new Set(served));
      const { answers } = await table.ask<{ answers: { indexed: number[]; scanned: number[] }[] }>('kinds_check', {
        questions: KIND_QUESTIONS,
      });
      for (const { indexed, scanned } of answers) expect(indexed).toEqual(scanned);
      expect(await table.findings()).toEqual([]);
    });
  });
}
