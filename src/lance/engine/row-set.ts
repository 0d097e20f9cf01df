/** A set of row ids of any size, as its number and two sums over it: what two answers need to be compared. */
import type { RecordBatch, Vector } from 'apache-arrow';

export class RowSet {
  rows = 0;
  private sum = 0;
  private mixed = 0;

  /** Adds the rows of a batch with a column `_rowid`, or those of them for which `holds` is true. */
  add(batch: RecordBatch, holds?: Vector): void {
    const ids = batch.getChild('_rowid') as Vector | null;
    for (let at = 0; at < batch.numRows; at++) {
      if (holds && holds.get(at) !== true) continue;
      const id = ids?.get(at) as bigint;
      this.rows += 1;
      const hash = mix(Number(id & LOW) ^ mix(Number(id >> 32n)));
      this.sum = (this.sum + hash) | 0;
      this.mixed = (this.mixed + mix(hash ^ SECOND)) | 0;
    }
  }

  /** Whether both have the same rows, but for one case in 2 to the 64th. */
  equals(other: RowSet): boolean {
    return this.rows === other.rows && this.sum === other.sum && this.mixed === other.mixed;
  }
}

const LOW = 0xffff_ffffn;
const SECOND = 0x9e37_79b9;

/** The finalizer of MurmurHash3, which spreads every bit over all. */
function mix(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return bits ^ (bits >>> 16);
}
