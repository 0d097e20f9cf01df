/** The listeners of the status page over a status that is made up: for pictures, and for tests of the page that need no daemon. */
import type { MemberStatus } from '../src/control/member-status.ts';
import type { RunningServer } from '../src/http/listener.ts';
import { loadPages } from '../src/http/pages.ts';
import { startServer } from '../src/http/probes.ts';
import { statusRoutes } from '../src/http/status-routes.ts';
import { startTablesApi } from '../src/http/tables-api.ts';
import { madeUpDetail } from './made-up-status.ts';

export const TOKEN = 'secret';

export type PageServer = {
  /** Of the listener that shows, and of the one that takes commands. */
  readonly url: string;
  readonly controlUrl: string;
  /** The commands that were asked, such as `pause lake/clicks_8` and `merge lake/clicks_8 to 1`. */
  readonly asked: string[];
  close(): Promise<void>;
};

/** Serves what `status` gives; `run` answers commands. `port`: of the listener that shows, any free one unless given. */
export async function startPageServer(
  status: () => MemberStatus,
  run: (command: string, table: string) => Promise<object> = async () => ({}),
  port = 0,
): Promise<PageServer> {
  const detail = (name: string) => {
    const { tables, at } = status();
    const table = tables.find((it) => it.table === name);
    return table ? madeUpDetail(table, Date.parse(at)) : null;
  };
  const routes = statusRoutes({ status, detail });
  const pages = loadPages();
  const asked: string[] = [];
  const place = { host: '127.0.0.1', port: 0, status: routes };
  const health = { live: () => true, ready: () => true };
  const metrics = { contentType: 'text/plain', render: async () => '' };
  const servers: RunningServer[] = [
    await startServer({ ...place, port, health, metrics, pages: pages.http }),
    await startTablesApi({
      ...place,
      ...{ token: TOKEN, commands: ['pause', 'resume', 'refresh', 'merge', 'optimize'], pages: pages.admin },
      run: async (command, table, { to }) => {
        asked.push(`${command} ${table}${to === null ? '' : ` to ${to}`}`);
        return run(command, table);
      },
      wait: async () => ({}),
      all: () => ({}),
    }),
  ];
  const [url = '', controlUrl = ''] = servers.map(({ port }) => `http://127.0.0.1:${port}`);
  return { url, controlUrl, asked, close: async () => void (await Promise.all(servers.map((it) => it.close()))) };
}
