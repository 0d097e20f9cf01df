/** A request to an object store, as the metrics count it. */
import type { StoreKind } from './object-store.ts';

export const OPERATIONS = ['list', 'head', 'get', 'put', 'create', 'delete'] as const;
export const REQUEST_OUTCOMES = ['ok', 'missing', 'taken', 'denied', 'throttled', 'failed'] as const;

/** `outcome`: `missing` and `taken` are answers, not failures. */
export type StoreRequest = {
  readonly store: Exclude<StoreKind, 'local'>;
  readonly operation: (typeof OPERATIONS)[number];
  readonly outcome: (typeof REQUEST_OUTCOMES)[number];
};

/** Called after each request with its outcome. Must not throw. */
export type OnRequest = (request: StoreRequest) => void;
