/** Arrow tables with a column of vectors. */
import type { DataType } from 'apache-arrow';
import {
  Field,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  Uint8,
} from 'apache-arrow';

const ELEMENTS = { halffloat: new Float16(), float: new Float32(), double: new Float64(), uint8: new Uint8() };
export type Element = keyof typeof ELEMENTS;

export type VectorRows = {
  readonly dimensions: number;
  readonly element?: Element;
  /** Rows, counted from the first, that have no vector. */
  readonly isNull?: (row: number) => boolean;
};

/** Columns `id`, counting from `from`, and `vector`, of `values` one vector after the other. */
export function vectorRows(
  from: number,
  values: Float32Array | Float64Array | Uint16Array | Uint8Array,
  { dimensions, element = 'float', isNull = () => false }: VectorRows,
): Table {
  const length = values.length / dimensions;
  const item = ELEMENTS[element] as DataType;
  const type = new FixedSizeList(dimensions, new Field('item', item, true));
  const nullBitmap = new Uint8Array(Math.ceil(length / 8));
  let nullCount = 0;
  for (let row = 0; row < length; row++) {
    if (isNull(row)) nullCount += 1;
    else nullBitmap[row >> 3] = (nullBitmap[row >> 3] as number) | (1 << (row & 7));
  }
  const child = makeData({ type: item, length: values.length, nullCount: 0, data: values } as never);
  const vector = makeData({ type, length, nullCount, nullBitmap, child } as never);
  const ids = BigInt64Array.from({ length }, (_, row) => BigInt(from + row));
  const id = makeData({ type: new Int64(), length, nullCount: 0, data: ids });
  const schema = new Schema([new Field('id', new Int64(), false), new Field('vector', type, true)]);
  const rows = makeData({ type: new Struct(schema.fields), length, nullCount: 0, children: [id, vector] } as never);
  return new Table(schema, new RecordBatch(schema, rows as never));
}

/** Numbers of the normal distribution, of evenly distributed ones. */
export function normal(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(Math.max(random(), 1e-12))) * Math.cos(2 * Math.PI * random());
}
