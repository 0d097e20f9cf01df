/** A process at work beside this one: reads a request a line as JSON, and answers each with a line. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Cleanup } from '../../src/lib/cleanup.ts';

export type PeerRequest = { readonly do: string } & Readonly<Record<string, unknown>>;

export type Peer = {
  readonly pid: number;
  /** Has it do something, and gives its answer. */
  ask(request: PeerRequest): Promise<Readonly<Record<string, unknown>>>;
  /** The same; milliseconds by its own clock. */
  ms(request: PeerRequest): Promise<number>;
};

export type Program = {
  /** Of whom errors tell. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Goes over the environment. */
  readonly env?: Readonly<Record<string, string>>;
};

/** Starts the program, which ends with `cleanup`. */
export function lineProcess({ name, command, args, env }: Program, cleanup: Cleanup): Peer {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  // Who asks is told below.
  ended.catch(() => undefined);
  cleanup.defer(async () => {
    child.stdin.end();
    await ended;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (request: PeerRequest): Promise<Record<string, unknown>> => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`${name} ended while it was asked to ${request.do}`);
    const answer = JSON.parse(value) as Record<string, unknown>;
    if (answer.error !== undefined) throw new Error(`${name} could not ${request.do}: ${String(answer.error)}`);
    return answer;
  };
  return { pid: child.pid ?? 0, ask, ms: async (request) => Number((await ask(request)).seconds) * 1000 };
}
