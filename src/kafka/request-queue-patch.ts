import { createRequire } from 'node:module';

/** The private part of kafkajs that is replaced. */
type RequestQueue = {
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  throttledUntil: number;
  pending: readonly unknown[];
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
};

const PATCHED_VERSION = '2.2.4';
const CHECK_MS = 10;
let patched = false;

/**
 * Each connection of kafkajs 2.2.4 wakes up every millisecond even when it has nothing to send, for which newer versions of
 * Node also print a warning (kafkajs issues 1704 and 1751). This schedules a check only when something waits. Any other
 * version is left alone, and `skipped` is called with the reason.
 */
export function patchRequestQueue(skipped: (reason: string) => void): void {
  if (patched) return;
  patched = true;
  const require = createRequire(import.meta.url);
  const { version }: { version: string } = require('kafkajs/package.json');
  if (version !== PATCHED_VERSION) {
    skipped(`kafkajs is ${version}, the patch is for ${PATCHED_VERSION}`);
    return;
  }
  const { prototype }: { prototype: RequestQueue } = require('kafkajs/src/network/requestQueue');
  if (typeof prototype?.scheduleCheckPendingRequests === 'function') {
    prototype.scheduleCheckPendingRequests = scheduleWhenWaiting;
  } else skipped('the method to replace is gone');
}

function scheduleWhenWaiting(this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null) return;
  const throttledMs = this.throttledUntil - Date.now();
  if (this.pending.length === 0 && throttledMs <= 0) return;
  const check = (): void => {
    this.throttleCheckTimeoutId = null;
    this.checkPendingRequests();
  };
  this.throttleCheckTimeoutId = setTimeout(check, throttledMs > 0 ? throttledMs : CHECK_MS);
}
