/** The trace of a batch in words of its own: the stages have spans made, and only this room knows with what. */
import type { SegmentdError } from '../lib/errors.ts';
import type { ConsumerRecord, PendingEvent } from '../model.ts';

/** What is told of its own within a batch, in the order it happens. `publish` brings the files of segments into the table. */
export type SpanName = 'intake' | 'await-version' | 'plan' | 'build' | 'publish' | 'commit' | 'ack';

/** What a span tells beside its times: numbers, names and outcomes, as attributes `segmentd.<name>`. */
export type Facts = Readonly<Record<string, string | number>>;

export type BatchTrace = {
  /** Begins a span. What it returns ends the span, with the facts or the error. */
  begin(name: SpanName): (end: { readonly facts?: Facts; readonly error?: unknown }) => void;
  /** Headers of records that continue this trace elsewhere. */
  readonly headers: ReadonlyMap<string, string>;
  /** Ends the trace, with what ends the process if anything does. Spans that are still open may end later. */
  end(error?: unknown): void;
};

export type BatchTracing = {
  /** The trace of a batch, begun when its first event came; undefined without a record, as of the sweep. */
  batch(table: string, events: readonly PendingEvent[]): BatchTrace | undefined;
  /** A record that became a dead letter: told where its producer traces it. */
  rejected(record: ConsumerRecord, error: SegmentdError): void;
};
