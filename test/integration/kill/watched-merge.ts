/** The merging of segmentd, distinguished from its other work. */
import { mergeTable as realMerge } from '../../../src/merge/merge-table.ts';
import { merging, pass } from './die-at.ts';

export const mergeTable: typeof realMerge = (table, manifest, plan, parts) =>
  merging.run(true, async () => {
    const withSlot: typeof parts.withSlot = async (land) => {
      const landed = await parts.withSlot(land);
      pass('merged');
      return landed;
    };
    return realMerge(table, manifest, plan, { ...parts, withSlot });
  });
