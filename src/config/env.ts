/** `SEGMENTD_…` variables: one per option, named after its path, read as YAML. */
import { parseDocument } from 'yaml';
import * as z from 'zod';
import type { Leaf } from './option.ts';
import { BAD_ALIAS, contentOf } from './yaml-source.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type Override = { readonly variable: string; readonly leaf: Leaf; readonly value: unknown };
type EnvProblem = { readonly at: string; readonly message: string };

const PREFIX = 'SEGMENTD_';
/** Variables that mean something else: where the configuration lies, and where tests keep downloads. */
const RESERVED = new Set(['SEGMENTD_CONFIG', 'SEGMENTD_CACHE_DIR']);
/**
 * Kubernetes sets these in every pod of a namespace that has a Service named `segmentd`. Refusing them would stop the daemon
 * for a reason that is hard to find; no option may be named like them, which a test holds.
 */
const SERVICE_LINK =
  /^SEGMENTD_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** `kafka.group_id` is `SEGMENTD_KAFKA_GROUP_ID`. */
export function variableOf(path: readonly string[]): string {
  return PREFIX + path.join('_').toUpperCase();
}

/** Whether segmentd leaves a variable with its prefix alone. */
export function isReserved(variable: string): boolean {
  return RESERVED.has(variable) || SERVICE_LINK.test(variable);
}

/** The JSON type that an option takes from the outside, e.g. `string`, `array`. */
function inputType(leaf: Leaf): unknown {
  return z.toJSONSchema(leaf.schema, { io: 'input', unrepresentable: 'any' }).type;
}

/** Strings are taken as they are, so that a password `123` or `a: b` needs no quotes; string lists may be comma lists. */
function parseValue(leaf: Leaf, raw: string): { value: unknown } | { problem: string } {
  const type = inputType(leaf);
  if (type === 'string') return { value: raw };
  if (type === 'array' && !raw.trimStart().startsWith('[')) {
    return { value: raw.split(',').map((item) => item.trim()) };
  }
  const document = parseDocument(raw, { prettyErrors: false });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) return { problem: `not YAML: ${problem.message}` };
  return contentOf(document) ?? { problem: `not YAML: ${BAD_ALIAS}` };
}

/** Reads every override for `leaves`. A variable with the prefix that names no option is a problem, never ignored. */
export function readEnvironment(env: Environment, leaves: readonly Leaf[]) {
  const byVariable = new Map(leaves.map((leaf) => [variableOf(leaf.path), leaf]));
  const overrides: Override[] = [];
  const problems: EnvProblem[] = [];
  for (const [variable, raw] of Object.entries(env)) {
    if (raw === undefined || !variable.startsWith(PREFIX) || isReserved(variable)) continue;
    const leaf = byVariable.get(variable);
    if (leaf === undefined) {
      problems.push({ at: variable, message: 'no option has this variable' });
      continue;
    }
    const parsed = parseValue(leaf, raw);
    if ('problem' in parsed) problems.push({ at: variable, message: parsed.problem });
    else overrides.push({ variable, leaf, value: parsed.value });
  }
  return { overrides, problems };
}
