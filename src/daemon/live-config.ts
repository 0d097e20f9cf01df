/** The configuration of a running daemon, of which parts may be replaced while it runs. */
import type { Config } from '../config/schema.ts';

export type LiveConfig = {
  /** Reads of a section give what is in force now. What is taken out of it at start stays as it was then. */
  readonly view: Config;
  /** What is in force now, all of it. */
  current(): Config;
  replace(next: Config): void;
};

export function liveConfig(initial: Config): LiveConfig {
  let current = initial;
  const sections = (Object.keys(initial) as (keyof Config)[]).map((name) => [
    name,
    { enumerable: true, get: () => current[name] },
  ]);
  return {
    view: Object.defineProperties({}, Object.fromEntries(sections)) as Config,
    current: () => current,
    replace(next) {
      current = next;
    },
  };
}
