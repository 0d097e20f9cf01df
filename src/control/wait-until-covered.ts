/** Waits until the rows of a version are indexed, by polling the table. */
import type { Manifest } from '../lance/codec/manifest.ts';
import type { TablePolicy } from '../lance/plan/row-ids.ts';
import { fragmentsToCover, isCovered } from '../lance/plan/version-coverage.ts';
import type { LanceTable } from '../lance/table/table.ts';
import { SegmentdError } from '../lib/errors.ts';
import { sleep } from '../lib/sleep.ts';

/** How often something that costs no request is looked at for news. */
const NEWS_EVERY_MS = 50;
/** How long news are relied on: another process may cover the table. */
const NEWS_RELIED_ON_MS = 5_000;

export type WaitSettings = {
  readonly version: number;
  readonly policy: TablePolicy;
  readonly timeoutMs: number;
  /**
   * Changes when this process knows more of the table than before. A remote table is then looked at again at once, as this process last saw
   * it, and otherwise seldom.
   */
  readonly news?: () => unknown;
  /** Ends the wait early. */
  readonly signal?: AbortSignal;
};

type WaitOutcome = {
  readonly covered: boolean;
  /** The latest version when the wait ended; null when there was no time to see one. */
  readonly latestVersion: number | null;
};

/**
 * Resolves when `version` is covered, as isCovered has it, or the time is over. A version that is not there yet is waited for,
 * and so is a store that does not answer. Errors: table_not_found, table_unreadable, the code of a declined table, those of
 * maintainedIndexes, and at the end of the time store_* when the store did not answer to the last.
 */
export async function waitUntilCovered(table: LanceTable, settings: WaitSettings): Promise<WaitOutcome> {
  const { timeoutMs, signal } = settings;
  const endMs = performance.now() + timeoutMs;
  const look = looker(table, settings);
  let latestVersion: number | null = null;
  let hasNews = false;
  for (;;) {
    let failure: SegmentdError | null = null;
    try {
      const seen = await look(hasNews);
      if (seen.covered) return seen;
      latestVersion = seen.latestVersion;
    } catch (error) {
      if (!(error instanceof SegmentdError) || error.retry === 'never') throw error;
      failure = error;
    }
    const leftMs = endMs - performance.now();
    if (leftMs <= 0 || signal?.aborted) {
      if (failure && !signal?.aborted) throw failure;
      return { covered: false, latestVersion };
    }
    hasNews = await untilWorthALook(table, settings, leftMs);
  }
}

/** Resolves to whether there is news. */
async function untilWorthALook({ lookEveryMs }: LanceTable, { news, signal }: WaitSettings, leftMs: number) {
  if (!news || lookEveryMs <= NEWS_EVERY_MS) {
    await sleep(Math.min(lookEveryMs, leftMs), signal);
    return false;
  }
  const before = news();
  const endMs = performance.now() + Math.min(NEWS_RELIED_ON_MS, leftMs);
  while (performance.now() < endMs && !signal?.aborted) {
    await sleep(NEWS_EVERY_MS, signal);
    if (news() !== before) return true;
  }
  return false;
}

/** Null when it is gone or cannot be read. */
async function olderVersion(table: LanceTable, version: number): Promise<Manifest | null> {
  try {
    return await table.at(version);
  } catch (error) {
    if (error instanceof SegmentdError && error.code === 'table_unreadable') return null;
    throw error;
  }
}

/** A function that polls once, or looks at what was seen last. It keeps the fragments of the version, since a cleanup may delete the manifest. */
function looker(table: LanceTable, { version, policy }: WaitSettings) {
  let seen: Manifest | null = null;
  let kept: { readonly tag: string | null; readonly fragments: Uint32Array } | null = null;
  return async (recent: boolean): Promise<{ covered: boolean; latestVersion: number }> => {
    const latest = await table.latest({ recent });
    const outcome = { covered: false, latestVersion: latest.version };
    if (latest === seen) return outcome;
    if (latest.version >= version) {
      const tag = (await table.store.stat(await table.manifestKey(version)))?.tag ?? null;
      // Another manifest under the same name is that of another table, which replaced the first.
      if (!kept || (tag !== null && tag !== kept.tag)) {
        const asked = version === latest.version ? latest : await olderVersion(table, version);
        kept = { tag, fragments: fragmentsToCover(asked?.fragments.ids ?? null, latest) };
      } else kept = { ...kept, fragments: fragmentsToCover(kept.fragments, latest) };
      outcome.covered = isCovered(kept.fragments, latest, policy);
    } else kept = null;
    // Only now: a poll that failed half way is repeated.
    seen = latest;
    return outcome;
  };
}
