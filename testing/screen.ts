/** What the demo and the measurements show while they run. Progress goes to standard error, so that the summary on standard output stays clean. */

const say = (line: string) => process.stderr.write(`${line}\n`);

export const screen = {
  step: (what: string) => say(`\n› ${what}`),
  note: (what: string) => say(`  ${what}`),
  covered(batch: number, batches: number, version: number, ms: number): void {
    const bar = '█'.repeat(Math.round((20 * batch) / batches)).padEnd(20, '·');
    say(
      `  ${bar} ${String(batch).padStart(2)}/${batches}  version ${version} indexed ${ms.toFixed(0).padStart(5)} ms after its event`,
    );
  },
};

/** The `share` quantile of some values by the nearest-rank method. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
