/** Sends every request that docs/http-api.md shows to the listeners themselves. */
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { defaultOf } from '../../../scripts/describe-config.ts';
import { LEAVES } from '../../../src/config/load.ts';
import { COMMANDS } from '../../../src/control/commands.ts';
import { startServer } from '../../../src/http/probes.ts';
import { statusRoutes } from '../../../src/http/status-routes.ts';
import { startTablesApi } from '../../../src/http/tables-api.ts';

const page = readFileSync(new URL('../../../docs/http-api.md', import.meta.url), 'utf8');
const CURL =
  /^curl (?:--no-buffer )?(?:-X (\w+) )?(?:-H '([\w-]+): ([^']+)' )?'?http:\/\/127\.0\.0\.1:(\d+)([^\s']+)'?$/gm;
const requests = [...page.matchAll(CURL)];

const portOf = (section: string) => {
  const leaf = LEAVES.find(({ path }) => path.join('.') === `${section}.port`);
  return leaf && defaultOf(leaf);
};

const status = statusRoutes({ status: () => ({ at: '' }), detail: (table) => ({ table }) });

async function listeners(): Promise<ReadonlyMap<string, number>> {
  const host = '127.0.0.1';
  const tables = await startTablesApi({
    host,
    port: 0,
    token: 'secret',
    commands: COMMANDS,
    run: async (command, table) => ({ command, table }),
    wait: async (table, query) => ({ table, ...query }),
    all: () => ({ tables: [] }),
    status,
  });
  const probes = await startServer({
    host,
    port: 0,
    metrics: { render: async () => '', contentType: 'text/plain' },
    health: { live: () => true, ready: () => true },
    status,
  });
  onTestFinished(async () => void (await Promise.all([tables.close(), probes.close()])));
  return new Map([
    [String(portOf('admin')), tables.port],
    [String(portOf('http')), probes.port],
  ]);
}

test('every curl line of the page is one that a daemon with the default ports answers with 200', async () => {
  expect(requests).toHaveLength(page.match(/^curl /gm)?.length ?? 0);
  const ports = await listeners();
  for (const [line, method = 'GET', header, value = '', port = '', path = ''] of requests) {
    const headers = header === undefined ? {} : { [header]: value };
    const { status, body } = await fetch(`http://127.0.0.1:${ports.get(port)}${path}`, { method, headers });
    await body?.cancel();
    expect({ line, status }).toEqual({ line, status: 200 });
  }
});

test('every path that the page names for metrics and probes exists', async () => {
  const port = (await listeners()).get(String(portOf('http')));
  const paths = [...page.matchAll(/^\| `(\/[\w/]+)` \|/gm)].map(([, path]) => path);
  expect(paths.length).toBeGreaterThan(3);
  for (const path of paths) {
    const { status, body } = await fetch(`http://127.0.0.1:${port}${path}`);
    await body?.cancel();
    expect({ path, status }).toEqual({ path, status: 200 });
  }
});
