/** Loaded before segmentd: its records come from a file instead of Kafka. Everything else is the daemon as it is. */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const isSource =
      specifier === '../kafka/consumer/source.ts' && context.parentURL?.endsWith('/src/daemon/open-broker.ts');
    return next(isSource ? new URL('file-source.ts', import.meta.url).href : specifier, context);
  },
});
