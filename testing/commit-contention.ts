/**
 * Workers that backfill one table, as a discrete-event simulation: each builds its parts, several to a batch, and commits each batch
 * by put-if-absent of the version after the one it has read. The rules are those of `stages/` and of `commitChange`; times are in
 * milliseconds.
 */
import { seeded } from './seeded.ts';

export type Store = {
  /** One look at names, such as a HEAD request; walking up from the version that was read last takes one for each. */
  readonly lookMs: number;
  readonly readMs: number;
  readonly writeMs: number;
  /** Of a manifest. */
  readonly bytesPerMs: number;
};

/** The wait after so many conflicts. `attemptMs` is how long the attempts took on average. */
export type ConflictWait = (conflicts: number, attemptMs: number, random: () => number) => number;

export type Scenario = {
  readonly workers: number;
  /** Only so many workers get events. */
  readonly partitions: number;
  readonly parts: number;
  readonly rowsPerPart: number;
  /** `batch.max_rows`. */
  readonly batchRows: number;
  /** `batch.linger_ms` is long enough for an idle worker to have all its events before it begins. */
  readonly lingers: boolean;
  /** Of all indexes of one part: whatever its rows, and for each. */
  readonly build: { readonly fixedMs: number; readonly perRowMs: number };
  readonly store: Store;
  /** Of the table before the backfill, and what each segment adds. */
  readonly manifest: { readonly bytes: number; readonly bytesPerPart: number };
  readonly maxAttempts: number;
  readonly waitMs: ConflictWait;
  /** `retry`: the waits after a batch was given up. */
  readonly retry: { readonly initialMs: number; readonly maxMs: number };
  readonly seed: number;
};

export type Outcome = {
  readonly seconds: number;
  readonly commits: number;
  readonly conflicts: number;
  /** Batches that met too many conflicts, and were built again. */
  readonly givenUp: number;
  /** The most conflicts of one batch that landed. */
  readonly mostConflicts: number;
  /** Of the time of all workers that had work: for builds that landed, and for conflicts, waits after them and builds thrown away. */
  readonly building: number;
  readonly contending: number;
};

type Worker = {
  /** Parts that are left. */
  left: number;
  /** Parts of the batch. */
  batch: number;
  isFirst: boolean;
  /** The version it knows. */
  seen: number;
  target: number;
  attempts: number;
  failures: number;
  begunMs: number;
  triedMs: number;
  builtMs: number;
  endedMs: number;
};

/** Builds differ by so much from their mean, as the sigma of a normal distribution. */
const SPREAD = 0.1;

export function simulateBackfill(scenario: Scenario): Outcome {
  const { store, manifest } = scenario;
  const random = seeded(scenario.seed);
  const queue = new Schedule();
  const totals = { commits: 0, conflicts: 0, givenUp: 0, mostConflicts: 0, buildMs: 0, lostMs: 0 };
  let [version, committedParts] = [0, 0];
  const sizeMs = () => (manifest.bytes + committedParts * manifest.bytesPerPart) / store.bytesPerMs;

  const begin = (worker: Worker, now: number) => {
    if (worker.left === 0) {
      worker.endedMs = now;
      return;
    }
    // Else the first event finds an idle worker and is a batch of its own; the others wait for it together.
    const fits = Math.max(1, Math.floor(scenario.batchRows / scenario.rowsPerPart));
    worker.batch = worker.isFirst && !scenario.lingers ? 1 : Math.min(fits, worker.left);
    worker.attempts = 0;
    worker.triedMs = 0;
    worker.seen = version;
    const planMs = store.lookMs + store.readMs + sizeMs();
    const mean = worker.batch * (scenario.build.fixedMs + scenario.build.perRowMs * scenario.rowsPerPart);
    worker.builtMs = mean * Math.max(0.5, 1 + SPREAD * gaussian(random));
    // Files of a batch are written side by side.
    queue.at(now + planMs + worker.builtMs + store.writeMs, () => look(worker, queue.now));
  };
  const look = (worker: Worker, now: number) => {
    worker.begunMs = now;
    worker.attempts += 1;
    walk(worker);
  };
  // Upwards from the version seen last, a look for each, until there is none.
  const walk = (worker: Worker, from = worker.seen) => {
    queue.at(queue.now + store.lookMs, () => {
      if (version === worker.seen) return aim(worker, worker.seen > from);
      worker.seen += 1;
      walk(worker, from);
    });
  };
  const aim = (worker: Worker, isNews: boolean) => {
    worker.target = version + 1;
    const readMs = isNews ? store.readMs + sizeMs() : 0;
    // The transaction file and looks at the segments' files, then the manifest.
    queue.at(queue.now + readMs + store.writeMs + sizeMs() + store.writeMs, () => put(worker));
  };
  const put = (worker: Worker) => {
    const now = queue.now;
    if (worker.target === version + 1) {
      version += 1;
      committedParts += worker.batch;
      totals.commits += 1;
      totals.mostConflicts = Math.max(totals.mostConflicts, worker.attempts - 1);
      totals.buildMs += worker.builtMs;
      worker.seen = version;
      worker.left -= worker.batch;
      worker.isFirst = false;
      worker.failures = 0;
      queue.at(now + store.lookMs, () => begin(worker, queue.now));
      return;
    }
    totals.conflicts += 1;
    // Whose version it is has to be read.
    const knownMs = now + store.readMs + sizeMs();
    worker.triedMs += knownMs - worker.begunMs;
    if (worker.attempts > scenario.maxAttempts) {
      totals.givenUp += 1;
      worker.failures += 1;
      const { initialMs, maxMs } = scenario.retry;
      const waitMs = Math.min(maxMs, initialMs * 2 ** (worker.failures - 1)) * (1 - random() / 4);
      totals.lostMs += knownMs - worker.begunMs + waitMs + worker.builtMs;
      queue.at(knownMs + waitMs, () => begin(worker, queue.now));
      return;
    }
    const waitMs = scenario.waitMs(worker.attempts, worker.triedMs / worker.attempts, random);
    totals.lostMs += knownMs - worker.begunMs + waitMs;
    queue.at(knownMs + waitMs, () => look(worker, queue.now));
  };

  const workers = sharesOf(scenario).map((left) => newWorker(left));
  for (const worker of workers) begin(worker, 0);
  queue.run();
  const busyMs = workers.reduce((sum, { endedMs }) => sum + endedMs, 0);
  const { buildMs, lostMs, ...counted } = totals;
  return {
    ...counted,
    seconds: Math.max(...workers.map(({ endedMs }) => endedMs)) / 1000,
    building: buildMs / busyMs,
    contending: lostMs / busyMs,
  };
}

/** Parts of each worker: parts go to the partitions in turn, and partitions to the workers in turn. */
function sharesOf({ workers, partitions, parts }: Scenario): number[] {
  const shares = new Array<number>(Math.min(workers, partitions)).fill(0);
  for (let part = 0; part < parts; part++) {
    const worker = (part % partitions) % shares.length;
    shares[worker] = (shares[worker] ?? 0) + 1;
  }
  return shares.filter((share) => share > 0);
}

const newWorker = (left: number): Worker => ({
  left,
  batch: 0,
  isFirst: true,
  seen: 0,
  target: 0,
  attempts: 0,
  failures: 0,
  begunMs: 0,
  triedMs: 0,
  builtMs: 0,
  endedMs: 0,
});

const gaussian = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** What happens when: a binary heap; events of the same time in the order they were planned. */
class Schedule {
  now = 0;
  private readonly heap: { readonly atMs: number; readonly order: number; readonly act: () => void }[] = [];
  private planned = 0;

  at(atMs: number, act: () => void): void {
    const { heap } = this;
    heap.push({ atMs, order: this.planned++, act });
    for (let child = heap.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.isSooner(child, parent)) return;
      this.swap(child, parent);
      child = parent;
    }
  }

  run(): void {
    for (let next = this.take(); next; next = this.take()) {
      this.now = next.atMs;
      next.act();
    }
  }

  private take() {
    const { heap } = this;
    const [first] = heap;
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    heap[0] = last;
    for (let parent = 0; ; ) {
      const [left, right] = [2 * parent + 1, 2 * parent + 2];
      let sooner = parent;
      if (left < heap.length && this.isSooner(left, sooner)) sooner = left;
      if (right < heap.length && this.isSooner(right, sooner)) sooner = right;
      if (sooner === parent) return first;
      this.swap(parent, sooner);
      parent = sooner;
    }
  }

  private isSooner(one: number, other: number): boolean {
    const [a, b] = [this.heap[one], this.heap[other]] as [(typeof this.heap)[0], (typeof this.heap)[0]];
    return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
  }

  private swap(one: number, other: number): void {
    const [a, b] = [this.heap[one], this.heap[other]] as [(typeof this.heap)[0], (typeof this.heap)[0]];
    [this.heap[one], this.heap[other]] = [b, a];
  }
}
