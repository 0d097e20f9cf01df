/** What the panels of both dashboards ask Prometheus. `$job`, `$instance` and `$table` are variables of the dashboards. */
import type { Query } from './panels.ts';

/** Filters every metric by the variables of a dashboard. */
const MINE = 'job=~"$job",instance=~"$instance"';

/** A metric of segmentd, with more matchers such as `,outcome="failed"`. */
export const m = (name: string, more = '') => `segmentd_${name}{${MINE}${more}}`;
/** A metric that says of itself whose it is, of the one table that a dashboard shows. */
export const ofTable = (name: string) => `segmentd_${name}{job=~"$job",table="$table"}`;
/** A metric that other programs have, too. */
export const ofProcess = (name: string) => `${name}{${MINE}} and on (job, instance) ${m('build_info')}`;

/**
 * Whether daemons answer: 0 or 1 for each that was segmentd within a week, or is scraped as the job `segmentd`. One that was taken out of the
 * configuration of Prometheus is in neither.
 */
export const UP =
  `(up{${MINE},job="segmentd"} or (up{${MINE}}` + ` and on (job, instance) last_over_time(${m('build_info')}[7d])))`;

/** 0 while any daemon answers, and nothing when none does: a count of nothing must not look fine then. */
export const zero = `0 * max(${m('build_info')})`;

export const one = (expr: string, legend = ''): readonly Query[] => [{ expr, legend }];

const sum = (by: string) => `sum${by && ` by (${by})`} `;
/** Time at the end of what is shown, so that a choice is the same at each moment of it. */
const SHOWN = '[$__range] @ end()';
const LIMIT = 10;

/** The ten series of a gauge that were highest in the shown time, without those that were 0 all along. */
export function top(name: string, by = 'table', series = m(name)): string {
  const most = `max by (${by}) (max_over_time(${series}${SHOWN})) > 0`;
  return `max by (${by}) (${series}) and on (${by}) topk(${LIMIT}, ${most})`;
}

/** The ten oldest times, as ages in seconds. */
export function oldest(name: string, by = 'table'): string {
  const first = `time() - min by (${by}) (min_over_time(${m(name)}${SHOWN}))`;
  return `time() - min by (${by}) (${m(name)}) and on (${by}) topk(${LIMIT}, ${first})`;
}

/** The ten of a set of counters that grew most in the shown time, without those that did not grow. */
function grown(series: string, by: string): string {
  const growth = `${sum(by)}(increase(${series}${SHOWN})) > 0`;
  return by ? `and on (${by}) topk(${LIMIT}, ${growth})` : `and on () ${growth}`;
}

/** How fast counters grow, a second. */
export const rate = (series: string, by = '') => `${sum(by)}(rate(${series}[$__rate_interval])) ${grown(series, by)}`;

/** By how much counters grew in the time before each moment. */
export const grew = (series: string, within: string, by = '') =>
  `${sum(by)}(increase(${series}[${within}])) ${grown(series, by)}`;

/** What counters grew by in 24 hours, restarts included; without those that did not when they are told apart. */
export const day = (series: string, by = '') => `${sum(by)}(increase(${series}[24h]))${by && ' > 0'}`;

/** Quantiles of a histogram; nothing where nothing was observed. */
export function quantiles(name: string): readonly Query[] {
  const buckets = `sum by (le) (rate(${m(`${name}_bucket`)}[$__rate_interval]))`;
  return [50, 95, 99].map((p) => ({ expr: `histogram_quantile(0.${p}, ${buckets}) >= 0`, legend: `p${p}` }));
}

/** A share of 1, floored to the hundredth of a percent: what is not all must not show as 100.00 %. */
export const floored = (share: string) => `floor(${share} * 10000) / 10000`;

/** Gives a series without labels a name to be shown by. */
export const named = (series: string, label: string, name: string) =>
  `label_replace(${series}, "${label}", "${name}", "", "")`;

/** The worst of what is above 0, with its name; that of all when all are 0. */
export const worst = (series: string, by: string) =>
  `topk(1, max by (${by}) (${series}) > 0) or on () ${ofAll(`max(${series})`)}`;

export const ofAll = (series: string) => named(series, 'table', 'all tables');
