/** A Python process that does with one version of pylance what the tests ask. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Pylance } from '../../testing/pylance.ts';

const SCRIPT = join(import.meta.dirname, 'python', 'worker.py');

export type Args = Readonly<Record<string, unknown>>;

export type Worker = {
  /** Asks for one action of worker.py. Throws what Python raised, with the engine's own words. */
  ask<Answer>(action: string, args: Args): Promise<Answer>;
  stop(): Promise<void>;
};

type Reply = { readonly result?: unknown; readonly error?: string };

/** One request at a time, in the order they were asked. */
export function startWorker({ python, env }: Pylance): Worker {
  const child = spawn(python, ['-s', SCRIPT], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-4000);
  });
  // A Python that ended is told of by the request that gets no answer.
  child.stdin.on('error', () => undefined);
  const gone = once(child, 'exit');
  const replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let turn: Promise<unknown> = Promise.resolve();

  const send = async (action: string, args: Args): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify({ action, args })}\n`);
    const line = await replies.next();
    if (line.done) throw new Error(`Python ended during ${action}:\n${complaints}`);
    const reply = JSON.parse(line.value) as Reply;
    if (reply.error !== undefined) throw new Error(`${action}: ${reply.error}`);
    return reply.result;
  };

  return {
    ask: <Answer>(action: string, args: Args) => {
      const mine = turn.then(() => send(action, args));
      turn = mine.catch(() => undefined);
      return mine as Promise<Answer>;
    },
    stop: async () => {
      child.stdin.end();
      await gone;
    },
  };
}
