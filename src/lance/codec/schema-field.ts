/**
 * The schema fields of a manifest and the paths that name them.
 *
 *   Field = 2 name · 3 id · 4 parent_id (-1 at the root) · 5 logical_type · 10 { metadata { 1 key, 2 value } }
 *   path  = name { "." name }        a name with characters other than letters, digits and _ stands in backquotes
 */
import type { Cursor } from './wire.ts';

export type SchemaField = {
  readonly id: number;
  readonly parentId: number;
  readonly name: string;
  /** Lance's name of the type, such as `int64`, `timestamp:us:-` or `struct`. */
  readonly logicalType: string;
  /** Of a struct: there when its fields lie packed in one column of the data files, and can only be read together. */
  readonly packed?: true;
};

const ROOT = -1;

export function decodeSchemaField(cursor: Cursor): SchemaField {
  const field = { id: 0, parentId: 0, name: '', logicalType: '' };
  let isPacked = false;
  while (cursor.next()) {
    if (cursor.field === 2) field.name = cursor.string();
    else if (cursor.field === 3) field.id = cursor.int32();
    else if (cursor.field === 4) field.parentId = cursor.int32();
    else if (cursor.field === 5) field.logicalType = cursor.string();
    else if (cursor.field === METADATA) isPacked ||= saysPacked(cursor.message());
    else cursor.skip();
  }
  return isPacked ? { ...field, packed: true } : field;
}

const METADATA = 10;
/** Keys that Lance packs a struct by. */
const PACKED: ReadonlySet<string> = new Set(['packed', 'lance-encoding:packed']);

function saysPacked(entry: Cursor): boolean {
  let [key, value] = ['', ''];
  while (entry.next()) {
    if (entry.field === 1) key = entry.string();
    else if (entry.field === 2) value = Buffer.from(entry.slice()).toString('latin1');
    else entry.skip();
  }
  return PACKED.has(key) && value.toLowerCase() === 'true';
}

/** What holds the field, from the nearest on up to the root, or to where a parent is missing. */
export function ancestorsOf(schema: readonly SchemaField[], field: SchemaField): SchemaField[] {
  const above: SchemaField[] = [];
  for (let { parentId } = field; parentId !== ROOT; ) {
    const parent = schema.find((candidate) => candidate.id === parentId);
    if (!parent || above.length > schema.length) break;
    above.push(parent);
    ({ parentId } = parent);
  }
  return above;
}

/** Names from the root down to the field. Null when a parent is missing. */
function namesOf(schema: readonly SchemaField[], field: SchemaField): string[] | null {
  const above = ancestorsOf(schema, field);
  if ((above.at(-1) ?? field).parentId !== ROOT) return null;
  return [field, ...above].map(({ name }) => name).reverse();
}

const quoted = (name: string) => `\`${name.replaceAll('`', '``')}\``;
const quoteName = (name: string) => (/^\w+$/.test(name) ? name : quoted(name));

/** The path that LanceDB accepts and prints for a field, or null when the field is not in the schema. */
export function pathOfField(schema: readonly SchemaField[], fieldId: number): string | null {
  const field = schema.find((candidate) => candidate.id === fieldId);
  return (field && namesOf(schema, field)?.map(quoteName).join('.')) ?? null;
}

/** The same for a filter: there a name may also be a word of SQL or begin with a digit, so that all of them are quoted. */
export function sqlPathOfField(schema: readonly SchemaField[], fieldId: number): string | null {
  const field = schema.find((candidate) => candidate.id === fieldId);
  return (field && namesOf(schema, field)?.map(quoted).join('.')) ?? null;
}

/** The name LanceDB gives an index when none is asked for: the names without quotes, then `_idx`. */
export function defaultIndexName(schema: readonly SchemaField[], field: SchemaField): string {
  return `${namesOf(schema, field)?.join('.') ?? field.name}_idx`;
}

/** Splits `a.b` or ``a.`b.c` `` into names; null when the quoting is broken. */
function parsePath(path: string): string[] | null {
  const names: string[] = [];
  let rest = path;
  for (;;) {
    const match = /^(?:`((?:[^`]|``)+)`|([^.`]+))(\.|$)/.exec(rest);
    if (!match) return null;
    names.push(match[1]?.replaceAll('``', '`') ?? (match[2] as string));
    if (match[3] === '') return names;
    rest = rest.slice(match[0].length);
  }
}

/** The field that a path names: exact names first, then, like LanceDB, whatever the case. */
export function fieldByPath(schema: readonly SchemaField[], path: string): SchemaField | null {
  const wanted = parsePath(path);
  if (!wanted) return null;
  const same = (a: string[] | null, fold: (name: string) => string) =>
    a !== null && a.length === wanted.length && a.every((name, at) => fold(name) === fold(wanted[at] as string));
  const exact = schema.find((field) => same(namesOf(schema, field), (name) => name));
  return exact ?? schema.find((field) => same(namesOf(schema, field), (name) => name.toLowerCase())) ?? null;
}

/** A field and everything below it: what a rewrite of the column can touch. */
export function withDescendants(schema: readonly SchemaField[], fieldId: number): number[] {
  const ids = [fieldId];
  for (let at = 0; at < ids.length; at++) {
    for (const field of schema) if (field.parentId === ids[at]) ids.push(field.id);
  }
  return ids;
}

/** The same fields, each with what holds it, from the nearest on up to the root: where a data file may list it. */
export function lineagesOf(schema: readonly SchemaField[], fieldId: number): number[][] {
  return withDescendants(schema, fieldId).map((id) => {
    const field = schema.find((candidate) => candidate.id === id);
    return [id, ...(field ? ancestorsOf(schema, field).map((ancestor) => ancestor.id) : [])];
  });
}

/**
 * What has to be in a schema for one field to be read: the field, what it holds and what holds it, and of a packed struct all that is
 * packed with it.
 */
export function fieldsToRead(schema: readonly SchemaField[], fieldId: number): number[] {
  const field = schema.find((candidate) => candidate.id === fieldId);
  const above = field ? ancestorsOf(schema, field) : [];
  const packed = above.findLast((ancestor) => ancestor.packed);
  return [...withDescendants(schema, packed?.id ?? fieldId), ...above.map(({ id }) => id)];
}
