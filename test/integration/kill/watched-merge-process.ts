/** The process that builds large merges, as segmentd sees it: it passes what a build here passes. */
import { makeIndexesApart as real } from '../../../src/lance/engine/merge-process.ts';
import { passage } from './die-at.ts';

export const makeIndexesApart: typeof real = (...options) => {
  const make = real(...options);
  return async (order) => {
    for (const _ of order.indexes) passage('index');
    const took = await make(order);
    for (const _ of order.indexes) passage('index-built');
    return took;
  };
};
