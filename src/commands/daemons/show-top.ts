/** `top`: the tables of a daemon on a terminal, drawn again as they change. */
import type { MemberStatus } from '../../control/member-status.ts';
import { asSegmentdError, SegmentdError } from '../../lib/errors.ts';
import { isConfigured } from '../../lib/is-configured.ts';
import { tokenOf } from '../../lib/operators-token.ts';
import { sleep } from '../../lib/sleep.ts';
import type { Invocation } from '../terminal/io.ts';
import { printJson, printLines } from '../terminal/output.ts';
import { styleOf } from '../terminal/style.ts';
import { screenOf } from '../terminal/watch.ts';
import { urlOf } from './control-client.ts';
import type { DaemonOptions } from './daemon-address.ts';
import { daemonAt, givenCa, givenToken, nameOf } from './daemon-address.ts';
import type { DaemonListener } from './daemon-request.ts';
import { askDaemon } from './daemon-status.ts';
import type { Seen, TopStatus } from './top-screen.ts';
import { afterKey, FIRST_VIEW, staleLine, topLines } from './top-screen.ts';

export type TopOptions = DaemonOptions & { readonly config?: string; readonly json?: boolean };

const URL_OF_DEFAULTS = 'http://127.0.0.1:9464';
const LOOK_MS = 1_000;
/** Often enough for what it says of ages. */
const DRAW_MS = 500;
const ALTERNATE_SCREEN = '\x1b[?1049h\x1b[?25l';
const USUAL_SCREEN = '\x1b[?25h\x1b[?1049l';

/** Errors: daemon_unavailable at the first look; later ones are shown, with the last answer that came. */
export async function showTop(io: Invocation, options: TopOptions): Promise<void> {
  const listener = await listenerOf(io, options);
  io.doing(`waiting for ${nameOf(listener)}`);
  const first = await ask(listener);
  const { stdout, onKeys } = io;
  if (options.json) return printJson(stdout, first);
  if (!stdout.isTTY || onKeys === undefined) {
    // Nothing is cut where nothing is narrow.
    printLines(stdout, topLines(first, FIRST_VIEW, { ...styleOf(stdout, io.env), width: Number.POSITIVE_INFINITY }));
    return;
  }
  await live(io, listener, first, onKeys);
}

/** Errors: daemon_unavailable, also for a daemon of a version that says less. */
async function ask(listener: DaemonListener): Promise<TopStatus> {
  const status = (await askDaemon(listener)) as Partial<MemberStatus>;
  if (status.schema !== 1) {
    throw new SegmentdError('daemon_unavailable', `${nameOf(listener)} is a daemon of another version`);
  }
  return status as MemberStatus;
}

async function listenerOf(io: Invocation, options: TopOptions): Promise<DaemonListener> {
  const { env, cwd } = io;
  const { config: file, daemon } = options;
  const given = { token: givenToken(io, options), certFile: givenCa(io, options) };
  if (daemon !== undefined) return { ...daemonAt(daemon, cwd), ...given };
  if (!isConfigured(file, env)) return { url: URL_OF_DEFAULTS, ...given };
  const { loadConfig } = await import('../../config/load.ts');
  const { http, admin } = loadConfig({ file, env, cwd });
  // Sent only where it is asked for.
  const own = http.anonymous ? undefined : tokenOf(admin.token, admin.token_file);
  return { url: urlOf('http', http), ...given, token: given.token ?? own };
}

type OnKeys = NonNullable<Invocation['onKeys']>;

async function live(io: Invocation, listener: DaemonListener, first: TopStatus, onKeys: OnKeys): Promise<void> {
  const { stdout, env, onInterrupt } = io;
  const ended = new AbortController();
  let view = FIRST_VIEW;
  let seen: Seen = { status: first, atMs: performance.now(), isAsking: false, problem: undefined };
  const draw = () => {
    const rows = stdout.rows || 24;
    const stale = staleLine(seen, performance.now());
    const lines = topLines(seen.status, view, styleOf(stdout, env), stale === undefined ? rows - 1 : rows - 2);
    stdout.write(screenOf([...(stale === undefined ? [] : [stale]), ...lines].join('\n'), rows, stdout.columns));
  };
  const stopKeys = onKeys((key) => {
    const next = afterKey(view, key);
    if (next === null) return ended.abort();
    view = next;
    draw();
  });
  const stopListening = onInterrupt(() => ended.abort());
  stdout.write(ALTERNATE_SCREEN);
  // Beside the drawing, which goes on while an answer is waited for.
  void follow(listener, ended.signal, (change) => {
    seen = { ...seen, ...change };
  });
  try {
    while (!ended.signal.aborted) {
      draw();
      await sleep(DRAW_MS, ended.signal);
    }
  } finally {
    stopKeys();
    stopListening();
    stdout.write(USUAL_SCREEN);
  }
}

/** Asks again and again, and tells what has changed by it; never rejects. */
async function follow(
  listener: DaemonListener,
  signal: AbortSignal,
  tell: (change: Partial<Seen>) => void,
): Promise<void> {
  for (;;) {
    await sleep(LOOK_MS, signal);
    if (signal.aborted) return;
    tell({ isAsking: true });
    try {
      tell({ status: await ask(listener), atMs: performance.now(), isAsking: false, problem: undefined });
    } catch (error) {
      tell({ isAsking: false, problem: asSegmentdError(error).message });
    }
  }
}
