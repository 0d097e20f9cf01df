/** The status of a running daemon and its tables: failures and next tries are in no manifest. */

import type { MemberStatus } from '../../control/member-status.ts';
import type { TableStatus } from '../../control/table-states.ts';
import { SegmentdError } from '../../lib/errors.ts';
import { timeLeft } from '../../lib/time-left.ts';
import { counted, formatTable, printable } from '../terminal/output.ts';
import { HINTS, nameOf, unreachable } from './daemon-address.ts';
import type { DaemonAnswer, DaemonListener } from './daemon-request.ts';
import { requestDaemon } from './daemon-request.ts';

/** Of the answer of a daemon's `/status`, which an older one may give in part. */
type DaemonStatus = Pick<MemberStatus, 'state' | 'partitions' | 'tables' | 'paused'> &
  Partial<Pick<MemberStatus, 'polls_every_s'>>;

const TIMEOUT_MS = 5_000;

/**
 * Asks a daemon by either of its listeners. Errors: daemon_unavailable, and http_unauthorized where the status is for holders of the token
 * and none, or another one, is given.
 */
export async function askDaemon(listener: DaemonListener, timeoutMs = TIMEOUT_MS): Promise<DaemonStatus> {
  try {
    const answer = await statusOf(listener, timeoutMs);
    if (answer.status === 401) {
      const message = `${nameOf(listener)} wants the token of admin.token`;
      throw new SegmentdError('http_unauthorized', message, { hint: HINTS.token });
    }
    if (answer.status !== 200) throw new Error(`HTTP status ${answer.status}`);
    const status = JSON.parse(answer.body) as Partial<DaemonStatus>;
    if (!Array.isArray(status.tables)) throw new Error('the answer is no status');
    return status as DaemonStatus;
  } catch (error) {
    throw error instanceof SegmentdError ? error : unreachable(listener, error, 'status');
  }
}

/** The listener for operators has the status below `/v1`, and nothing without a token. */
async function statusOf(listener: DaemonListener, timeoutMs: number): Promise<DaemonAnswer> {
  const left = timeLeft(timeoutMs);
  const ask = (path: string) => requestDaemon(listener, path, { method: 'GET', timeoutMs: left() });
  const answer = await ask('/status');
  return answer.status === 404 && listener.token !== undefined ? ask('/v1/status') : answer;
}

function intakeOf({ partitions, polls_every_s: intervalS }: DaemonStatus): string {
  if (typeof intervalS === 'number') return `no broker: polls every ${intervalS} s`;
  return `partitions ${partitions.length > 0 ? partitions.join(', ') : 'none'}`;
}

export function formatDaemonStatus(status: DaemonStatus): string {
  const { state, tables } = status;
  const head = `${printable(state)}, ${intakeOf(status)}, ${counted(tables.length, 'table')}`;
  if (tables.length === 0) return head;
  const header = ['table', 'state', 'version', 'covered', 'missing fragments', 'segments', 'reason'];
  const rows = tables.map((it) => [
    it.table,
    it.state,
    it.version ?? '-',
    it.covered_version ?? '-',
    it.missing_fragments ?? '-',
    it.segments ?? '-',
    reasonOf(it),
  ]);
  return `${head}\n${formatTable(header, rows)}`;
}

function reasonOf(status: TableStatus): string {
  const { declined, held_rows: held, left_alone: left = [] } = status as Partial<TableStatus>;
  if (declined) return `${declined.code}${declined.accepted ? ' (accepted)' : ''}: ${declined.message}`;
  return [
    ...stateReason(status),
    ...(held ? [`${counted(held, 'row')} held`] : []),
    ...left.map(({ index, code }) => `${index} left alone: ${code}`),
  ].join('; ');
}

function stateReason({ failure, pause }: TableStatus): string[] {
  if (pause) return [`since ${pause.since}, by ${pause.by}`];
  if (!failure) return [];
  return [failureReason(failure)];
}

function failureReason(failure: NonNullable<TableStatus['failure']>): string {
  return `${failure.code} (${counted(failure.count, 'time')}, next try ${failure.next_try_at}): ${failure.message}`;
}
