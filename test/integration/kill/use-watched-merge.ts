/** Loaded before segmentd: its merges are distinguished from its other work. Everything else is the daemon as it is. */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const isMerge = specifier === './merge-table.ts' && context.parentURL?.endsWith('/src/merge/merge-once.ts');
    return next(isMerge ? new URL('watched-merge.ts', import.meta.url).href : specifier, context);
  },
});
