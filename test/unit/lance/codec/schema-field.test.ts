import { describe, expect, test } from 'vitest';
import type { SchemaField } from '../../../../src/lance/codec/schema-field.ts';
import {
  decodeSchemaField,
  defaultIndexName,
  fieldByPath,
  pathOfField,
  withDescendants,
} from '../../../../src/lance/codec/schema-field.ts';
import { Cursor } from '../../../../src/lance/codec/wire.ts';
import type { FieldSpec } from '../manifest-fixture.ts';
import { message, schemaField } from '../manifest-fixture.ts';

const decode = (spec: FieldSpec) => decodeSchemaField(new Cursor(schemaField(spec)));

const SCHEMA: readonly SchemaField[] = [
  { id: 0, name: 'id' },
  { id: 1, name: 'a', type: 'struct' },
  { id: 2, name: 'b', parent: 1, type: 'struct' },
  { id: 3, name: 'c', parent: 2, type: 'string' },
  { id: 4, name: 'b.c', parent: 1 },
  { id: 5, name: 'tick`s' },
  { id: 6, name: 'Größe' },
  { id: 7, name: 'user-id' },
  { id: 8, name: 'Case' },
  { id: 9, name: 'case' },
].map(decode);

test('a field is decoded, a root as one and a child of field 0 as one', () => {
  expect(decode({ id: 3, name: 'c', parent: 2, type: 'timestamp:us:-' })).toEqual({
    id: 3,
    name: 'c',
    parentId: 2,
    logicalType: 'timestamp:us:-',
  });
  expect(decode({ id: 3, name: 'c' }).parentId).toBe(-1);
  const childOfZero = message([2, 'x'], [3, 1], [5, 'int64']);
  expect(decodeSchemaField(new Cursor(childOfZero))).toMatchObject({ id: 1, parentId: 0 });
});

describe('paths', () => {
  test.each([
    [0, 'id'],
    [1, 'a'],
    [2, 'a.b'],
    [3, 'a.b.c'],
    [4, 'a.`b.c`'],
    [5, '`tick``s`'],
    [6, '`Größe`'],
    [7, '`user-id`'],
    [8, 'Case'],
    [9, 'case'],
  ])('field %i is written %s, and found again by it', (id, path) => {
    expect(pathOfField(SCHEMA, id)).toBe(path);
    expect(fieldByPath(SCHEMA, path)?.id).toBe(id);
  });

  test.each([
    ['names are found without their quotes too', 'Größe', 6],
    ['or with quotes they do not need', '`a`.`b`.c', 3],
    ['whatever their case', 'A.B.C', 3],
    ['the exact case first', 'case', 9],
    ['the exact case first, the other way round', 'Case', 8],
    ['and the first one when no case fits', 'CASE', 8],
    ['also beyond ASCII', 'GRÖSSE'.replace('SS', 'ß'), 6],
  ])('%s', (_name, path, id) => {
    expect(fieldByPath(SCHEMA, path)?.id).toBe(id);
  });

  test.each(['', '.', 'a.', '.a', 'a..b', '`a', 'a`', '`a`b', '``', 'b', 'a.c', 'a.b.c.d', 'nothing'])(
    '%j names no field',
    (path) => {
      expect(fieldByPath(SCHEMA, path)).toBeNull();
    },
  );

  test('a field that is not in the schema, or whose parent is not, has no path', () => {
    expect(pathOfField(SCHEMA, 99)).toBeNull();
    expect(pathOfField([decode({ id: 1, name: 'x', parent: 7 })], 1)).toBeNull();
  });

  test('parents in a circle end in no path, not in a hang', () => {
    const circle = [decode({ id: 1, name: 'x', parent: 2 }), decode({ id: 2, name: 'y', parent: 1 })];
    expect(pathOfField(circle, 1)).toBeNull();
    expect(fieldByPath(circle, 'y.x')).toBeNull();
  });
});

test('an index without a name is called like LanceDB calls it', () => {
  const name = (id: number) => defaultIndexName(SCHEMA, SCHEMA[id] as SchemaField);
  expect([0, 3, 4, 7].map(name)).toEqual(['id_idx', 'a.b.c_idx', 'a.b.c_idx', 'user-id_idx']);
});

test('the descendants of a field are all of them, and it comes first', () => {
  expect(withDescendants(SCHEMA, 1)).toEqual([1, 2, 4, 3]);
  expect(withDescendants(SCHEMA, 0)).toEqual([0]);
});
