/**
 * What an option is: a zod schema with its one doc line. Everything else (file keys, environment names, the reference page,
 * redaction, path resolution) is derived from the tree that `section` builds, so an option is written down exactly once.
 */
import { resolve } from 'node:path';
import * as z from 'zod';

export type OptionMeta = {
  readonly kind: 'option';
  /** One line for the reference page. */
  readonly doc: string;
  /** Shown instead of a default that depends on the machine, or that only exists by being absent. */
  readonly defaultText?: string;
  /** Returns the value with what must not be printed replaced. */
  readonly redact?: (value: unknown) => unknown;
  /** Returns the value with relative paths made absolute against the folder its source lies in. */
  readonly absolute?: (value: unknown, base: string) => unknown;
};
export type SectionMeta = {
  readonly kind: 'section';
  readonly doc: string;
  readonly shape: Record<string, z.ZodType>;
  /** Left out it is off, and no defaults stand for it. */
  readonly isOptional?: true;
};

export const REDACTED = '[redacted]';

/** Beside the schemas and not in zod's `meta`, whose types cannot tell a section from an option. */
const registry = new WeakMap<z.ZodType, OptionMeta | SectionMeta>();

/** The longest wait an option may ask for: a day. Far below the 24.8 days at which Node's timers overflow to 1 ms. */
const MAX_MS = 86_400_000;

/** A duration in milliseconds, from `min` to a day. */
export const milliseconds = (min: number) => z.int().min(min).max(MAX_MS);

/** A string that is not blank. */
export const text = () => z.string().trim().min(1);

const VARIABLE = /\$(?:\{[^}]*\}?|[A-Za-z_]\w*)/;
/** A path without what pathProblem finds, for the JSON Schema. */
export const PLAIN_PATH = String.raw`(?!\s*~)(?![\s\S]*\$[{A-Za-z_])[\s\S]*\S`;

/** Why a path is not usable as written, or undefined: only a shell replaces `~` and variables. */
export function pathProblem(path: string): string | undefined {
  if (path.startsWith('~')) {
    return 'begins with ~, which only a shell replaces: write the folder out (a folder that is named so: ./~)';
  }
  return variableProblem(path) ?? (path.includes('\0') ? 'has a NUL in it' : undefined);
}

/** Why a path or URI with a variable in it is not usable as written, or undefined. */
export function variableProblem(path: string): string | undefined {
  const [variable] = VARIABLE.exec(path) ?? [];
  return variable && `has ${variable} in it, which only a shell replaces: write the folder out`;
}

/** Text that `problem` finds nothing wrong with. `pattern` says the same to the JSON Schema, as well as it can. */
export const checkedText = (problem: (value: string) => string | undefined, pattern: string) =>
  text()
    .superRefine((value, context) => {
      const message = problem(value);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .meta({ pattern });

/** The name of a file or folder. */
export const pathText = () => checkedText(pathProblem, `^${PLAIN_PATH}`);

/** Declares one option. `schema` must be a fresh instance that already carries its default. */
export function option<S extends z.ZodType>(schema: S, doc: string, extra: Omit<OptionMeta, 'kind' | 'doc'> = {}): S {
  registry.set(schema, { kind: 'option', doc, ...extra });
  return schema;
}

/** What was declared of a schema, or undefined for one within an option. */
export function metaOf(schema: object): OptionMeta | SectionMeta | undefined {
  return registry.get(schema as z.ZodType);
}

/** An optional secret: printed as `[redacted]`. `value`: what it may be. */
export function secret(doc: string, value: z.ZodType<string> = text()) {
  return option(value.optional(), `${doc} Never printed.`, {
    redact: (value) => (value === undefined ? value : REDACTED),
  });
}

const againstBase = (value: unknown, base: string) => (typeof value === 'string' ? resolve(base, value) : value);

/** A path; relative ones count from the configuration file's folder (from the working folder when set by environment). */
export function path<S extends z.ZodType>(schema: S, doc: string, defaultText?: string): S {
  return option(schema, doc, { absolute: againstBase, ...(defaultText === undefined ? {} : { defaultText }) });
}

/** A group of options. Absent and empty (`kafka:` with every line commented out) both mean all defaults. */
export function section<S extends Record<string, z.ZodType>>(doc: string, shape: S) {
  const schema = z.preprocess((value) => value ?? {}, z.strictObject(shape));
  registry.set(schema, { kind: 'section', doc, shape });
  return schema;
}

/** A section that may be left out, which is not the same as its defaults. `empty` says why one without an option is refused. */
export function optionalSection<S extends Record<string, z.ZodType>>(doc: string, empty: string, shape: S) {
  const refuseEmpty = (value: unknown, context: z.RefinementCtx) => {
    const isEmpty = value === null || (typeof value === 'object' && Object.keys(value as object).length === 0);
    if (isEmpty) context.addIssue({ code: 'custom', message: empty });
    return value;
  };
  const schema = z.preprocess(refuseEmpty, z.strictObject(shape).optional());
  registry.set(schema, { kind: 'section', doc, shape, isOptional: true });
  return schema;
}

export type Leaf = { readonly path: readonly string[]; readonly schema: z.ZodType; readonly meta: OptionMeta };
export type Node = Leaf | { readonly path: readonly string[]; readonly meta: SectionMeta };

/** Every section and option below `schema`, in the order they are declared. Throws on an undeclared member: a bug. */
export function* walk(schema: z.ZodType, at: readonly string[] = []): Generator<Node> {
  const meta = registry.get(schema);
  if (meta === undefined) throw new TypeError(`option ${at.join('.')} is not declared with option() or section()`);
  if (meta.kind === 'option') {
    yield { path: at, schema, meta };
    return;
  }
  yield { path: at, meta };
  for (const [key, child] of Object.entries(meta.shape)) yield* walk(child, [...at, key]);
}

/** The options alone. */
export function leavesOf(schema: z.ZodType): Leaf[] {
  return [...walk(schema)].filter((node): node is Leaf => node.meta.kind === 'option');
}
