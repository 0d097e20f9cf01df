/** `tables.<id>.indexes`: an index as the configuration has it. */
import * as z from 'zod';
import type { KindName, ParameterSpec } from '../lib/index-kinds.ts';
import { INDEX_KINDS, KIND_NAMES, orderProblem } from '../lib/index-kinds.ts';
import { text } from './option.ts';

/** Lance reads a meaning into these: with an index of another type under one of them no query works any more. */
const indexName = text().regex(/^(?!__lance_)/, 'Lance keeps names that begin with __lance_ to itself');

function parameter(spec: ParameterSpec): z.ZodType {
  switch (spec.type) {
    case 'flag':
      return z.boolean();
    case 'number':
      return z
        .int()
        .min(spec.min)
        .max(spec.max)
        .multipleOf(spec.step ?? 1);
    case 'texts':
      return z.array(text());
    case 'text':
      return z.enum([...spec.oneOf]);
  }
}

const base = { column: text(), name: indexName.optional() };

const ofKind = (kind: Exclude<KindName, 'btree'>) => {
  const specs = Object.entries<ParameterSpec>(INDEX_KINDS[kind]);
  const parameters = specs.map(([name, spec]) => [name, parameter(spec).optional().describe(spec.doc)] as const);
  return z
    .strictObject({ ...base, kind: z.literal(kind), ...Object.fromEntries(parameters) })
    .superRefine((index, context) => {
      const unfit = orderProblem(index);
      if (unfit) context.addIssue({ code: 'custom', path: [unfit.name], message: unfit.problem });
    });
};

/** Without a kind it is what the index of that name is, else a BTREE. */
const plain = z.strictObject({ ...base, kind: z.literal('btree').optional() });

const others = KIND_NAMES.filter((kind) => kind !== 'btree').map(ofKind);

/** One index to keep, with the parameters of its kind beside it. */
export const indexOption = z.discriminatedUnion('kind', [plain, ...others], {
  // The name of a column alone is a likely thing to write.
  error: ({ input }) => {
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return undefined;
    const column = typeof input === 'string' && /^[\w.]+$/.test(input) ? input : '<column>';
    return `an index is written {column: ${column}}, with its name, kind and parameters beside it`;
  },
});
