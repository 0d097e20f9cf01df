/** Plots as SVG, plain text: the same figures give the same bytes, and no program is needed to look at them. */

export type Axis = {
  readonly label: string;
  /** Equal steps are equal factors. */
  readonly log?: boolean;
};

/** `low` and `high`: the whisker. */
export type Point = { readonly x: number; readonly y: number; readonly low?: number; readonly high?: number };

export type Series = {
  readonly name: string;
  readonly points: readonly Point[];
  /** The one that the plot is about: drawn bolder. */
  readonly isOurs?: boolean;
  readonly isDashed?: boolean;
  /** Series of one number have one colour. Default: each its own. */
  readonly colour?: number;
};

export type LinePlot = {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
};

export type Bar = { readonly name: string; readonly value: number; readonly low?: number; readonly high?: number };

const WIDTH = 760;
const HEIGHT = 400;
const FRAME = { left: 70, right: 570, top: 46, bottom: 340 };
/** Told apart by people who see few colours: Okabe and Ito. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#555555'];
const LEGEND_LINE = 20;

const escaped = (text: string) => text.replace(/[&<>"]/g, (it) => `&#${it.charCodeAt(0)};`);
const at = (value: number) => Number(value.toFixed(1));

type TextStyle = { readonly anchor?: string; readonly size?: number; readonly weight?: string; readonly more?: string };

function text(
  x: number,
  y: number,
  content: string,
  { anchor = 'start', size = 12, weight, more = '' }: TextStyle = {},
) {
  const bold = weight === undefined ? '' : ` font-weight="${weight}"`;
  return `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}" font-size="${size}"${bold}${more}>${escaped(content)}</text>`;
}

const line = (from: readonly [number, number], to: readonly [number, number], stroke: string, more = '') =>
  `<line x1="${at(from[0])}" y1="${at(from[1])}" x2="${at(to[0])}" y2="${at(to[1])}" stroke="${stroke}"${more}/>`;

function document(title: string, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="system-ui, sans-serif" fill="#222">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(FRAME.left, 24, title, { size: 15, weight: '600' }),
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** Where a value lies between two ends of the frame, and the values that the axis names. */
export type Scale = { readonly place: (value: number) => number; readonly ticks: readonly number[] };

/** From the least to the greatest value, rounded outwards to a tick; from 0 unless it is logarithmic. Values have to be above 0 for that. */
export function scaleOf(values: readonly number[], { log = false }: Axis, from: number, to: number): Scale {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (!Number.isFinite(least) || !Number.isFinite(most)) throw new RangeError('nothing to plot');
  const ticks = log ? logTicks(least, most) : linearTicks(most);
  const [first, last] = [ticks[0] as number, ticks.at(-1) as number];
  const share = log
    ? (value: number) => Math.log(value / first) / Math.log(last / first)
    : (value: number) => (value - first) / (last - first);
  return { ticks, place: (value) => from + share(value) * (to - from) };
}

/** Powers of ten; with their halves and doubles where there are few. */
function logTicks(least: number, most: number): number[] {
  if (least <= 0) throw new RangeError(`${least} has no place on a logarithmic axis`);
  const steps = Math.log10(most / least) > 2 ? [1] : [1, 2, 5];
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++) {
    for (const step of steps) all.push(step * 10 ** power);
  }
  const first = all.findLastIndex((tick) => tick <= least);
  const last = all.findIndex((tick) => tick >= most);
  const ticks = all.slice(Math.max(0, first), (last < 0 ? all.length : last) + 1);
  return ticks.length > 1 ? ticks : [(ticks[0] as number) / 2, ticks[0] as number, (ticks[0] as number) * 2];
}

function linearTicks(most: number): number[] {
  const top = most > 0 ? most : 1;
  const power = 10 ** Math.floor(Math.log10(top));
  const step = [0.2, 0.5, 1, 2].map((it) => it * power).find((it) => top / it <= 6) ?? power * 2;
  return Array.from({ length: Math.ceil(top / step) + 1 }, (_, tick) => Number((tick * step).toPrecision(6)));
}

const UNITS = [
  [1e9, ' G'],
  [1e6, ' M'],
  [1e3, ' k'],
] as const;

/** 20000000 as `20 M`. */
export function tickText(value: number): string {
  const [size, unit] = UNITS.find(([least]) => Math.abs(value) >= least) ?? [1, ''];
  return `${Number((value / size).toPrecision(4))}${unit}`;
}

function axes(x: Axis, y: Axis, xs: Scale, ys: Scale): string[] {
  const { left, right, top, bottom } = FRAME;
  return [
    ...ys.ticks.flatMap((tick) => [
      line([left, ys.place(tick)], [right, ys.place(tick)], '#e2e2e2'),
      text(left - 8, ys.place(tick) + 4, tickText(tick), { anchor: 'end' }),
    ]),
    line([left, bottom], [right, bottom], '#888'),
    ...xs.ticks.flatMap((tick) => [
      line([xs.place(tick), bottom], [xs.place(tick), bottom + 5], '#888'),
      text(xs.place(tick), bottom + 20, tickText(tick), { anchor: 'middle' }),
    ]),
    text((left + right) / 2, bottom + 44, x.label, { anchor: 'middle' }),
    text(18, (top + bottom) / 2, y.label, {
      ...{ anchor: 'middle', more: ` transform="rotate(-90 18 ${(top + bottom) / 2})"` },
    }),
  ];
}

/** Lines with a point and its whisker for each figure; the legend has the order of the last points, from the top. */
export function linePlot({ title, x, y, series }: LinePlot): string {
  const points = series.flatMap((it) => it.points);
  const reach = points.flatMap((it) => [it.y, it.low ?? it.y, it.high ?? it.y]);
  const xs = scaleOf(
    points.map((it) => it.x),
    x,
    FRAME.left + 20,
    FRAME.right - 20,
  );
  const ys = scaleOf(reach, y, FRAME.bottom, FRAME.top);
  const styled = series.map((it, own) => ({ ...it, ...styleOf(it, own) }));
  const lines = styled.flatMap(({ points: some, isOurs = false, colour, stroke }) => {
    const path = some.map((it, first) => `${first === 0 ? 'M' : 'L'}${at(xs.place(it.x))} ${at(ys.place(it.y))}`);
    return [
      `<path d="${path.join(' ')}" fill="none" stroke="${colour}"${stroke}/>`,
      ...some.map((it) => mark(xs.place(it.x), ys, it, colour, isOurs)),
    ];
  });
  const last = (it: Pick<Series, 'points'>) => it.points.at(-1)?.y ?? 0;
  const legend = styled
    .sort((a, b) => last(b) - last(a))
    .flatMap(({ name, colour, isOurs, stroke }, row) => {
      const height = FRAME.top + 12 + row * LEGEND_LINE;
      return [
        line([FRAME.right + 14, height - 4], [FRAME.right + 38, height - 4], colour, stroke),
        text(FRAME.right + 44, height, name, isOurs ? { weight: '600' } : {}),
      ];
    });
  return document(title, HEIGHT, [...axes(x, y, xs, ys), ...lines, ...legend]);
}

function styleOf(
  { isOurs = false, isDashed = false, colour }: Series,
  own: number,
): { colour: string; stroke: string } {
  const dash = isDashed ? ' stroke-dasharray="6 4"' : '';
  return {
    colour: COLOURS[(colour ?? own) % COLOURS.length] as string,
    stroke: ` stroke-width="${isOurs ? 3.5 : 1.8}"${dash}`,
  };
}

function mark(x: number, ys: Scale, { y, low, high }: Point, colour: string, isOurs: boolean): string {
  const whisker = low === undefined || high === undefined ? '' : line([x, ys.place(low)], [x, ys.place(high)], colour);
  return `${whisker}<circle cx="${at(x)}" cy="${at(ys.place(y))}" r="${isOurs ? 4.5 : 3}" fill="${colour}"/>`;
}

const BAR = { left: 200, right: 640, height: 34, gap: 20 };

/** One bar for each figure from 0, named at its left and with its value at its right. */
export function barPlot(title: string, unit: string, bars: readonly Bar[]): string {
  const scale = scaleOf(
    bars.flatMap(({ value, high }) => [value, high ?? value]),
    { label: unit },
    BAR.left,
    BAR.right,
  );
  const parts = bars.flatMap(({ name, value, low, high }, row) => {
    const top = FRAME.top + 10 + row * (BAR.height + BAR.gap);
    const middle = top + BAR.height / 2;
    const whisker =
      low === undefined || high === undefined
        ? []
        : [line([scale.place(low), middle], [scale.place(high), middle], '#222')];
    const end = Math.max(scale.place(value), scale.place(high ?? value));
    return [
      text(BAR.left - 10, middle + 4, name, { anchor: 'end' }),
      `<rect x="${BAR.left}" y="${at(top)}" width="${at(scale.place(value) - BAR.left)}" height="${BAR.height}" fill="${COLOURS[row % COLOURS.length]}"/>`,
      ...whisker,
      text(end + 8, middle + 4, `${tickText(Number(value.toPrecision(3)))} ${unit}`),
    ];
  });
  return document(title, FRAME.top + 10 + bars.length * (BAR.height + BAR.gap), parts);
}
