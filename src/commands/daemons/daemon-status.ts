/** The status of a running daemon and its tables: failures and next tries are in no manifest. */

import type { MemberStatus } from '../../control/member-status.ts';
import type { TableStatus } from '../../control/table-states.ts';
import { messageOf, SegmentdError } from '../../lib/errors.ts';
import { formatTable } from '../terminal/output.ts';
import type { DaemonAnswer } from './daemon-request.ts';
import { requestDaemon } from './daemon-request.ts';

/** Of the answer of a daemon's `/status`, which an older one may give in part. */
type DaemonStatus = Pick<MemberStatus, 'state' | 'partitions' | 'tables' | 'paused'>;

const TIMEOUT_MS = 5_000;

/**
 * Asks a daemon by either of its listeners. Errors: daemon_unavailable, and http_unauthorized where the status is for holders of the token
 * and none, or another one, is given.
 */
export async function askDaemon(url: string, token?: string): Promise<DaemonStatus> {
  try {
    const answer = await statusOf(url, token);
    if (answer.status === 401) throw new SegmentdError('http_unauthorized', `${url} wants the token of admin.token`);
    if (answer.status !== 200) throw new Error(`HTTP status ${answer.status}`);
    const status = JSON.parse(answer.body) as Partial<DaemonStatus>;
    if (!Array.isArray(status.tables)) throw new Error('the answer is no status');
    return status as DaemonStatus;
  } catch (error) {
    if (error instanceof SegmentdError) throw error;
    throw new SegmentdError('daemon_unavailable', `${url} gave no status: ${messageOf(error)}`, { cause: error });
  }
}

/** The listener for operators has the status below `/v1`, and nothing without a token. */
async function statusOf(url: string, token: string | undefined): Promise<DaemonAnswer> {
  const ask = (path: string) => requestDaemon({ url, token }, path, { method: 'GET', timeoutMs: TIMEOUT_MS });
  const answer = await ask('/status');
  return answer.status === 404 && token !== undefined ? ask('/v1/status') : answer;
}

export function formatDaemonStatus({ state, partitions, tables }: DaemonStatus): string {
  const head = `${state}, partitions ${partitions.length > 0 ? partitions.join(', ') : 'none'}, ${tables.length} tables`;
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
    ...(held ? [`${held.toLocaleString('en-US')} rows held`] : []),
    ...left.map(({ index, code }) => `${index} left alone: ${code}`),
  ].join('; ');
}

function stateReason({ failure, pause }: TableStatus): string[] {
  if (pause) return [`since ${pause.since}, by ${pause.by}`];
  if (!failure) return [];
  return [failureReason(failure)];
}

function failureReason(failure: NonNullable<TableStatus['failure']>): string {
  return `${failure.code} (${failure.count} times, next try ${failure.next_try_at}): ${failure.message}`;
}
