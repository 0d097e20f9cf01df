/** Events of the self-check. None of them tells keys: those are data of the table, and stand in the evidence. */
import type { SegmentdError } from '../lib/errors.ts';
import type { EventContext } from './event-context.ts';
import { errorFields } from './event-context.ts';
import type { SelfCheckOutcome } from './metric-catalogue.ts';

type Checked = { readonly table: string; readonly version: number };

type WrongAnswer = Checked & {
  readonly index: string;
  /** Answers that were wrong, of those of this index that were compared. */
  readonly wrong: number;
  /** The file that says more. */
  readonly evidence: string | null;
};

export function selfCheckEvents({ metrics, say, throttle }: EventContext) {
  return {
    /** Asks `read` on every scrape for the tables that the self-check has paused. */
    selfCheckPauses(read: () => readonly string[]): void {
      metrics.onCollect('self_check_paused', () => new Map(read().map((table) => [table, 1])));
    },
    /** `answers` that were compared, all of them right; or why none were. */
    selfChecked(check: Checked & { outcome: Exclude<SelfCheckOutcome, 'wrong' | 'failed'>; answers: number }): void {
      metrics.inc('self_checks_total', { outcome: check.outcome });
      if (check.outcome === 'right') throttle.recovered(`self-check ${check.table}`);
      say('selfChecked', check);
    },
    /** It says nothing about the segments. */
    selfCheckFailed({ table, version, error }: Checked & { error: SegmentdError }): void {
      metrics.inc('self_checks_total', { outcome: 'failed' });
      const suppressed = throttle.failed(`self-check ${table}`, error.code);
      if (suppressed !== undefined) say('selfCheckFailed', { table, version, ...errorFields(error), suppressed });
    },
    /** Call it for each index of which an answer was wrong. */
    answerWrong(answer: WrongAnswer): void {
      metrics.inc('self_checks_total', { outcome: 'wrong' });
      say('answerWrong', answer);
    },
    evidenceLost({ table, error }: { table: string; error: SegmentdError }): void {
      say('evidenceLost', { table, ...errorFields(error) });
    },
    /** The control topic did not take it. */
    pauseNotShared({ table, error }: { table: string; error: SegmentdError }): void {
      say('pauseNotShared', { table, ...errorFields(error) });
    },
  };
}
