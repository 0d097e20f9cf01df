/** What each batch of segmentd asked of an object store: its log beside the requests that a proxy in front of the store has seen. */
import { parseManifestName } from '../../src/lib/manifest-name.ts';
import type { LogLine } from '../daemon-process.ts';
import type { LoggedRequest, StoreProxy } from './store-proxy.ts';

/** A batch that was committed. Times are milliseconds since the epoch. */
export type CommittedBatch = {
  /** Up to which its events are settled. */
  readonly coveredVersion: number;
  /** When the manifest was there, and readers had the segments. */
  readonly landedAtMs: number;
  /** `along`: with the batch; `beside`: in versions of their own since the batch before, whose requests are among these. */
  readonly merges: 'none' | 'along' | 'beside';
  /** Up to the manifest and with it. */
  readonly untilCovered: readonly LoggedRequest[];
  /** With which segmentd proves afterwards that the commit is sound. */
  readonly afterwards: readonly LoggedRequest[];
};

export type RequestsByCommit = {
  readonly batches: readonly CommittedBatch[];
  /** Takes the lines of segmentd's log, in their order. */
  readonly logged: (line: LogLine) => void;
};

/** `proxy`: of this process, with no other client than the segmentd whose log it is, and never cleared. */
export function requestsByCommit(proxy: StoreProxy): RequestsByCommit {
  const batches: CommittedBatch[] = [];
  let settledAtMs = 0;
  let merges = 0;
  return {
    batches,
    logged({ event, time = '', version, coveredVersion, outcome }) {
      if (event === 'mergeFinished' && outcome === 'landed') merges++;
      // Without a commit there was nothing to do, and the two are the same.
      if (event !== 'batchCovered' || version === coveredVersion) return;
      const [fromMs, toMs] = [settledAtMs, Date.parse(time)];
      settledAtMs = toMs;
      const requests = proxy.requests.filter(({ startMs }) => epochMs(startMs) >= fromMs && epochMs(startMs) < toMs);
      const at = requests.findIndex((request) => isManifestOf(request, Number(version)));
      const manifest = requests[at];
      if (!manifest) throw new Error(`the proxy has seen no manifest of version ${version}`);
      const alone = requests.filter((request) => isManifestOf(request)).length - 1;
      batches.push({
        coveredVersion: Number(coveredVersion),
        landedAtMs: epochMs(manifest.endMs),
        merges: alone > 0 ? 'beside' : merges > 0 ? 'along' : 'none',
        untilCovered: requests.slice(0, at + 1),
        afterwards: requests.slice(at + 1),
      });
      merges = 0;
    },
  };
}

const epochMs = (ms: number) => performance.timeOrigin + ms;

/** Whether a request created the manifest of a version. */
export function isManifestOf({ method, path, status }: LoggedRequest, version?: number): boolean {
  if (method !== 'PUT' || status !== 200) return false;
  const [folder, name = ''] = path.split('/').slice(-2);
  const found = folder === '_versions' ? parseManifestName(name) : null;
  return found !== null && (version === undefined || found.version === version);
}

/** Bytes that were downloaded. */
export const downloaded = (requests: readonly LoggedRequest[]): number =>
  requests.filter(({ method }) => method === 'GET').reduce((sum, { responseBytes }) => sum + responseBytes, 0);
