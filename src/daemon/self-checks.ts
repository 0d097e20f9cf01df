/**
 * The self-check: after every so many commits of a table its fresh segments are proven in the background, one table at a time. A wrong answer
 * is asked for twice, then pauses the table and is kept as evidence. Whatever keeps a check from being made pauses nothing.
 */
import type { EvidenceFolder } from '../control/evidence.ts';
import type { FreshCheck, FreshSegments, WrongIndex } from '../lance/inspect/check-fresh.ts';
import { asSegmentdError, SegmentdError } from '../lib/errors.ts';
import { RecentMap } from '../lib/recent-map.ts';
import { sleep } from '../lib/sleep.ts';
import { VERSION, versionOf } from '../lib/version.ts';
import type { TableRef } from '../model.ts';
import type { Telemetry } from '../telemetry/events.ts';
import type { CheckSettings } from './check-settings.ts';

type Checking = { readonly samples: number; readonly seed: number };

export type SelfCheckParts = {
  readonly settings: (table: string) => CheckSettings;
  /** Proves the segments; rejects when that could not be done. */
  readonly check: (table: TableRef, fresh: FreshSegments, checking: Checking) => Promise<FreshCheck>;
  readonly isPaused: (table: string) => boolean;
  /** Pauses a table at once, for all members as far as they can be told. */
  readonly pause: (table: TableRef) => void;
  readonly evidence: Pick<EvidenceFolder, 'keep'>;
  readonly telemetry: Pick<Telemetry, 'selfChecked' | 'selfCheckFailed' | 'answerWrong' | 'evidenceLost'>;
  /** Name of this group member. */
  readonly member: string;
  /** Fires when the process must end: nothing more is checked, or told. */
  readonly signal: AbortSignal;
  /** For tests: how long a check may take, milliseconds, and numbers from 0 up to, but not, 1. */
  readonly timeoutMs?: number;
  readonly random?: () => number;
};

/** Tables that wait for their check. On a machine that is too busy for more, the checks of others are left out. */
const MOST_WAITING = 32;
/** Of a query that takes longer nothing is learned; it cannot be ended, and no other check begins before it ends. */
const TIMEOUT_MS = 60_000;
/** Tables whose commits are counted. */
const REMEMBERED = 10_000;
/** Of each index, and fragments of each segment, that stand in the evidence. */
const MOST_KEYS = 20;
const MOST_FRAGMENTS = 10_000;

type Waiting = { readonly table: TableRef; readonly fresh: FreshSegments };

export class SelfChecks {
  readonly #parts: SelfCheckParts;
  readonly #commits = new RecentMap<string, number>(REMEMBERED);
  readonly #waiting = new Map<string, Waiting>();
  #isRunning = false;
  /** A query that took too long, until it ends. */
  #overdue: Promise<unknown> = Promise.resolve();

  constructor(parts: SelfCheckParts) {
    this.#parts = parts;
  }

  /** Counts a commit of the table, and lets its segments be checked when it is their turn. Never waits, never throws. */
  landed(table: TableRef, version: number, uuids: readonly string[]): void {
    const { settings, telemetry, isPaused } = this.#parts;
    const { id } = table;
    const { every } = settings(id);
    if (every === 0 || uuids.length === 0) return;
    const commits = (this.#commits.get(id) ?? 0) + 1;
    this.#commits.set(id, commits % every);
    if (commits < every || isPaused(id)) return;
    const before = this.#waiting.get(id);
    // The newer segments are the ones whose version is there for longer.
    if (before || this.#waiting.size >= MOST_WAITING) {
      telemetry.selfChecked({ table: id, version: before?.fresh.version ?? version, outcome: 'skipped', answers: 0 });
      if (!before) return;
    }
    this.#waiting.set(id, { table, fresh: { version, uuids } });
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (const [id, waiting] of this.#waiting) {
      if (this.#parts.signal.aborted) break;
      this.#waiting.delete(id);
      await this.#checkOne(waiting);
      await this.#overdue;
    }
    this.#isRunning = false;
  }

  async #checkOne({ table, fresh }: Waiting): Promise<void> {
    const { telemetry, signal, random = Math.random } = this.#parts;
    const { version } = fresh;
    const seed = Math.floor(random() * 2 ** 31);
    try {
      const first = await this.#inTime(table, fresh, seed);
      // What is so is so again: a disk or a network that failed for a moment must not pause a table.
      const again = isWrong(first) ? await this.#inTime(table, fresh, seed) : first;
      if (signal.aborted) return;
      if (again.kind === 'moved') telemetry.selfChecked({ table: table.id, version, outcome: 'moved', answers: 0 });
      else if (again.wrong.length > 0) await this.#wrong(table, fresh, again.wrong, seed);
      else if (isWrong(first))
        throw new SegmentdError('check_failed', 'an answer was wrong, and right when asked again');
      else {
        const outcome = again.answers === 0 && again.leftOut > 0 ? 'skipped' : 'right';
        telemetry.selfChecked({ table: table.id, version, outcome, answers: again.answers });
      }
    } catch (error) {
      if (signal.aborted) return;
      telemetry.selfCheckFailed({ table: table.id, version, error: asSegmentdError(error, 'check_failed') });
    }
  }

  /** Errors: check_failed when it takes too long, and those of the check. */
  async #inTime(table: TableRef, fresh: FreshSegments, seed: number): Promise<FreshCheck> {
    const { settings, check, signal, timeoutMs = TIMEOUT_MS } = this.#parts;
    const asked = check(table, fresh, { samples: settings(table.id).samples, seed });
    const over = new AbortController();
    const late = sleep(timeoutMs, AbortSignal.any([signal, over.signal]), { ref: false }).then(() => null);
    const done = await Promise.race([asked, late]).finally(() => over.abort());
    if (done) return done;
    this.#overdue = asked.catch(() => undefined);
    throw new SegmentdError('check_failed', `the check takes longer than ${timeoutMs} ms`);
  }

  async #wrong(table: TableRef, fresh: FreshSegments, wrong: readonly WrongIndex[], seed: number): Promise<void> {
    const { pause, evidence, telemetry } = this.#parts;
    pause(table);
    for (const it of wrong) {
      const kept = evidence.keep(this.#evidenceOf(table, fresh, it, seed)).catch((error: unknown) => {
        telemetry.evidenceLost({ table: table.id, error: asSegmentdError(error, 'evidence_unwritable') });
        return null;
      });
      const facts = { table: table.id, version: fresh.version, index: it.index, wrong: it.wrong.length };
      telemetry.answerWrong({ ...facts, evidence: await kept });
    }
  }

  #evidenceOf({ id, uri }: TableRef, { version }: FreshSegments, { index, wrong, segments }: WrongIndex, seed: number) {
    const { member, settings } = this.#parts;
    return {
      schema: 1,
      at: new Date().toISOString(),
      table: id,
      ...{ uri, version, index, member },
      segmentd: VERSION,
      lancedb: versionOf('@lancedb/lancedb'),
      ...{ samples: settings(id).samples, seed },
      wrong_answers: wrong.length,
      answers: wrong.slice(0, MOST_KEYS).map(({ key, expected, found }) => ({
        ...{ key, expected_rows: expected, found_rows: found },
      })),
      segments: segments.map((segment) => ({
        uuid: segment.uuid,
        fields: segment.fields,
        dataset_version: segment.datasetVersion,
        index_version: segment.indexVersion,
        created_at: segment.createdAtMs && new Date(segment.createdAtMs).toISOString(),
        type: segment.typeUrl,
        fragments: Array.from(segment.fragments ?? []).slice(0, MOST_FRAGMENTS),
        files: segment.files,
        // The whole entry, for when the version is gone.
        entry: Buffer.from(segment.raw).toString('base64'),
      })),
    };
  }
}

const isWrong = (check: FreshCheck): boolean => check.kind === 'checked' && check.wrong.length > 0;
