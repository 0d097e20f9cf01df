/** The LanceDB engine's own metrics in Prometheus' text format, beside the registry: their labels are not known beforehand. */

/** One value as the engine reports it: a counter or gauge, or one `_bucket`, `_sum` or `_count` of a histogram. */
export type EnginePoint = {
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

/** HELP text knows two escapes; label values also that of the quote. */
const escapeHelp = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const escapeLabel = (text: string) => escapeHelp(text).replaceAll('"', '\\"');

function line({ name, labels, value }: EnginePoint): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`;
}

/** Groups points into families: Prometheus wants all lines of one name together, behind one TYPE. */
export function renderEngine(points: readonly EnginePoint[]): string {
  const families = new Map<string, { type: string; help: string; lines: string[] }>();
  for (const point of points) {
    const stem = /^(.+)_(bucket|sum|count)$/.exec(point.name)?.[1];
    const name = stem ?? point.name;
    const family = families.get(name) ?? {
      type: stem === undefined ? point.kind : 'histogram',
      help: point.help,
      lines: [],
    };
    family.lines.push(line(point));
    families.set(name, family);
  }
  return [...families]
    .map(
      ([name, { type, help, lines }]) =>
        `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join('\n')}\n`,
    )
    .join('');
}
