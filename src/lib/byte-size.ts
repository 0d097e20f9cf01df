/** Sizes of memory as people write them: `512MiB`, `1GiB`. */

const UNIT_BYTES = { MiB: 2 ** 20, GiB: 2 ** 30 } as const;

/** Bytes, or null for anything that is not a number with a unit. */
export function byteSize(text: string): number | null {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)(MiB|GiB)$/.exec(text);
  return match && Math.round(Number(match[1]) * UNIT_BYTES[match[2] as keyof typeof UNIT_BYTES]);
}

/** Least memory to sort in: LanceDB reserves a third of it for each sort, so that three run at once, and spills the rest. */
export const LEAST_SORT_BYTES = 64 * UNIT_BYTES.MiB;
