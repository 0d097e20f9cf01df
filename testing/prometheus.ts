import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { findPrometheus } from './prometheus-binaries.ts';

/** The alerts that ship with segmentd. */
export const RULES_FILE = resolve(import.meta.dirname, '..', 'config', 'prometheus', 'rules.yml');
const READY_MS = 20_000;
const STOP_MS = 5_000;

export type Series = { readonly metric: Readonly<Record<string, string>>; readonly value: number };
export type Rule = { readonly name: string; readonly query: string; readonly health: string; readonly state: string };

export type Prometheus = {
  readonly url: string;
  /** An instant query; throws Prometheus' own message when it cannot be answered. */
  query(expr: string): Promise<Series[]>;
  /** The loaded alerts and whether each could be evaluated. */
  rules(): Promise<Rule[]>;
  /** Resolves once `expr` gives a series. Throws after `ms`. */
  waitFor(expr: string, ms: number): Promise<Series[]>;
  stop(): Promise<void>;
};

/**
 * A real Prometheus that scrapes `targets` (each `host:port`) every second as the job `segmentd` and evaluates the alerts that
 * ship with segmentd. Undefined where there is no Prometheus to be had and `CI` is not set; see findPrometheus.
 */
export async function startPrometheus({ targets }: { targets: readonly string[] }): Promise<Prometheus | undefined> {
  const binaries = await findPrometheus();
  if (binaries === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'segmentd-prometheus-'));
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [RULES_FILE],
    scrape_configs: [{ job_name: 'segmentd', static_configs: [{ targets }] }],
  };
  await writeFile(join(folder, 'prometheus.yml'), stringify(config));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(binaries.prometheus, flags(folder, port), { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const stop = async () => {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready(url, child);
  } catch (cause) {
    await stop();
    throw new Error(`Prometheus did not start:\n${log}`, { cause });
  }
  return { url, stop, ...client(url) };
}

function flags(folder: string, port: number): string[] {
  return [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    // Debian's package looks for these where it would be installed.
    '--web.console.templates=/nonexistent',
    '--web.console.libraries=/nonexistent',
  ];
}

/** Prometheus cannot say which port it was given, so one is taken from the system and handed over. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`exit code ${child.exitCode}`);
    const ok = await fetch(`${url}/-/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    await sleep(100);
  }
  throw new Error(`not ready after ${READY_MS} ms`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(timer);
}

type Answer = {
  readonly status: string;
  readonly error?: string;
  readonly data: {
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: readonly [number, string] }[];
    readonly groups: readonly { readonly rules: readonly Rule[] }[];
  };
};

function client(url: string): Pick<Prometheus, 'query' | 'rules' | 'waitFor'> {
  const api = async (path: string): Promise<Answer['data']> => {
    const answer = (await (await fetch(`${url}/api/v1/${path}`)).json()) as Answer;
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  };
  const query = async (expr: string): Promise<Series[]> => {
    const { result } = await api(`query?query=${encodeURIComponent(expr)}`);
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  };
  return {
    query,
    rules: async () => (await api('rules')).groups.flatMap(({ rules }) => rules),
    waitFor: async (expr, ms) => {
      for (const deadline = Date.now() + ms; Date.now() < deadline; await sleep(200)) {
        const series = await query(expr);
        if (series.length > 0) return series;
      }
      throw new Error(`no series for ${expr} after ${ms} ms`);
    },
  };
}
