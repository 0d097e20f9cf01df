/**
 * So many different whole numbers from 0 to `below` - 1, or all of them where there are no more, in no order. Floyd's algorithm: each
 * set is equally likely, and each number is drawn once. `random` gives numbers from 0 up to, but not, 1.
 */
export function distinctNumbers(count: number, below: number, random: () => number = Math.random): number[] {
  const drawn = new Set<number>();
  for (let top = Math.max(0, below - count); top < below; top++) {
    const number = Math.floor(random() * (top + 1));
    drawn.add(drawn.has(number) ? top : number);
  }
  return [...drawn];
}
