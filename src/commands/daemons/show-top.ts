/** `top`: the tables of a daemon on a terminal, drawn again as they change. */
import type { MemberStatus } from '../../control/member-status.ts';
import { asSegmentdError, SegmentdError } from '../../lib/errors.ts';
import { secretOf } from '../../lib/secret.ts';
import { sleep } from '../../lib/sleep.ts';
import type { Invocation } from '../terminal/io.ts';
import { printLines } from '../terminal/output.ts';
import { styleOf } from '../terminal/style.ts';
import { screenOf } from '../terminal/watch.ts';
import { tokenIn, urlOf } from './control-client.ts';
import { askDaemon } from './daemon-status.ts';
import type { TopStatus } from './top-screen.ts';
import { afterKey, FIRST_VIEW, topLines } from './top-screen.ts';

export type TopOptions = { readonly config?: string; readonly daemon?: string; readonly tokenFile?: string };

type Asked = { readonly url: string; readonly token: string | undefined };

const URL_OF_DEFAULTS = 'http://127.0.0.1:9464';
const LOOK_MS = 1_000;
const ALTERNATE_SCREEN = '\x1b[?1049h\x1b[?25l';
const USUAL_SCREEN = '\x1b[?25h\x1b[?1049l';

/** Errors: daemon_unavailable at the first look; later ones are shown, with the last answer that came. */
export async function showTop(io: Invocation, options: TopOptions): Promise<void> {
  const asked = await askedOf(io, options);
  const first = await ask(asked);
  const { stdout, onKeys } = io;
  if (!stdout.isTTY || onKeys === undefined) {
    // Nothing is cut where nothing is narrow.
    printLines(stdout, topLines(first, FIRST_VIEW, { ...styleOf(stdout, io.env), width: Number.POSITIVE_INFINITY }));
    return;
  }
  await live(io, asked, first, onKeys);
}

/** Errors: daemon_unavailable, also for a daemon of a version that says less. */
async function ask({ url, token }: Asked): Promise<TopStatus> {
  const status = (await askDaemon(url, token)) as Partial<MemberStatus>;
  if (status.schema !== 1) throw new SegmentdError('daemon_unavailable', `${url} is a daemon of another version`);
  return status as MemberStatus;
}

async function askedOf({ env, cwd }: Invocation, { config: file, daemon, tokenFile }: TopOptions): Promise<Asked> {
  const given = tokenIn(tokenFile, cwd) ?? env.SEGMENTD_ADMIN_TOKEN;
  if (daemon !== undefined) return { url: daemon, token: given };
  if (file === undefined && !env.SEGMENTD_CONFIG) return { url: URL_OF_DEFAULTS, token: given };
  const { loadConfig } = await import('../../config/load.ts');
  const { http, admin } = loadConfig({ file, env, cwd });
  // Sent only where it is asked for.
  const own = http.anonymous ? undefined : secretOf(admin.token, admin.token_file);
  return { url: urlOf('http', http), token: given ?? own };
}

type OnKeys = NonNullable<Invocation['onKeys']>;

async function live(io: Invocation, asked: Asked, first: TopStatus, onKeys: OnKeys): Promise<void> {
  const { stdout, env, onInterrupt } = io;
  const ended = new AbortController();
  let [status, view, problem] = [first, FIRST_VIEW, ''];
  const draw = () => {
    const rows = stdout.rows || 24;
    const lines = topLines(status, view, styleOf(stdout, env), problem === '' ? rows - 1 : rows - 2);
    stdout.write(screenOf([...(problem === '' ? [] : [problem]), ...lines].join('\n'), rows, stdout.columns));
  };
  const stopKeys = onKeys((key) => {
    const next = afterKey(view, key);
    if (next === null) return ended.abort();
    view = next;
    draw();
  });
  const stopListening = onInterrupt(() => ended.abort());
  stdout.write(ALTERNATE_SCREEN);
  try {
    while (!ended.signal.aborted) {
      draw();
      await sleep(LOOK_MS, ended.signal);
      try {
        status = await ask(asked);
        problem = '';
      } catch (error) {
        // What stands below is old by then, and says so.
        problem = `STALE: ${asSegmentdError(error).message}`;
      }
    }
  } finally {
    stopKeys();
    stopListening();
    stdout.write(USUAL_SCREEN);
  }
}
