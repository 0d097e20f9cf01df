/**
 * A number as English writes it: `1,234,567.89`, with three digits behind the point at most. The same as `toLocaleString('en-US')`, which
 * spends 30 ms in its first call: a sixth of `segmentd index`.
 */
export function thousands(value: number): string {
  const isWhole = Number.isSafeInteger(value);
  // Beyond this a thousandth is less than the number can tell.
  if (!isWhole && !(Math.abs(value) < 1e12)) return value.toLocaleString('en-US');
  const [whole = '', fraction] = String(isWhole ? value : Math.round(value * 1000) / 1000).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
