/** Loaded before segmentd: its merges are distinguished from its other work. Everything else is the daemon as it is. */
import { registerHooks } from 'node:module';

/** What is imported by whom, and what takes its place. */
const WATCHED = [
  ['./merge-table.ts', '/src/merge/merge-once.ts', 'watched-merge.ts'],
  ['./merge-process.ts', '/src/lance/engine/segment-builder.ts', 'watched-merge-process.ts'],
] as const;

registerHooks({
  resolve(specifier, context, next) {
    const watched = WATCHED.find(([file, by]) => specifier === file && context.parentURL?.endsWith(by));
    return next(watched ? new URL(watched[2], import.meta.url).href : specifier, context);
  },
});
