/** `--set name=value`: the parameters of an index on the command line. */
import { SegmentdError } from '../../lib/errors.ts';
import type { IndexParameters, KindName, ParameterSpec, ParameterValue } from '../../lib/index-kinds.ts';
import { INDEX_KINDS, parametersProblem } from '../../lib/index-kinds.ts';

/** Errors: usage, when a parameter is not one of the kind or cannot have the value. */
export function givenParameters(kind: KindName, texts: readonly string[]): IndexParameters {
  const specs: Readonly<Record<string, ParameterSpec>> = INDEX_KINDS[kind];
  const given = new Map<string, ParameterValue>();
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) throw new SegmentdError('usage', `--set is written <name>=<value>, and not ${text}`);
    const name = text.slice(0, at);
    if (given.has(name)) throw new SegmentdError('usage', `--set: ${name} is given twice`);
    given.set(name, meaningOf(Object.hasOwn(specs, name) ? specs[name] : undefined, text.slice(at + 1)));
  }
  const parameters = Object.fromEntries(given);
  const problem = parametersProblem(kind, parameters);
  if (problem) throw new SegmentdError('usage', `--set: ${problem}`);
  return parameters;
}

/** What the text means; one that means nothing stays text, which the parameter then refuses. */
function meaningOf(spec: ParameterSpec | undefined, text: string): ParameterValue {
  if (spec?.type === 'flag' && (text === 'true' || text === 'false')) return text === 'true';
  if (spec?.type === 'number' && /^\d+$/.test(text)) return Number(text);
  if (spec?.type === 'texts') return text === '' ? [] : text.split(',');
  return text;
}
