/** What was compiled once is not compiled at the next start. */
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { makeFolder } from './make-folder.ts';

/** What lies in it is run. */
const OURS_ALONE = 0o700;

type Environment = Readonly<Record<string, string | undefined>>;

/** Lets Node keep what it compiles. A folder that cannot be made or written to is as good as none, and so is none. */
export function compileOnce(env: Environment, enable: (folder: string) => unknown = enableCompileCache): void {
  const folder = compileCacheFolder(env);
  if (folder === undefined) return;
  try {
    // Node would try for ever where a folder can never be made, such as below /proc.
    makeFolder(folder, OURS_ALONE);
  } catch {
    return;
  }
  enable(folder);
}

/**
 * A folder that no other user can write to, since what lies there is run: never one below /tmp, which is where Node would put it. Systemd
 * names one for a service with `CacheDirectory=`. Undefined for a user without a home, and where NODE_COMPILE_CACHE names a folder, which
 * Node goes by itself.
 */
export function compileCacheFolder(env: Environment, home: () => string = homedir): string | undefined {
  if (env.NODE_COMPILE_CACHE) return undefined;
  const named = [env.CACHE_DIRECTORY, env.XDG_CACHE_HOME].find((folder) => folder && isAbsolute(folder));
  const base = named ?? homeCache(home);
  return base && join(base, 'segmentd', 'compiled');
}

function homeCache(home: () => string): string | undefined {
  try {
    return join(home(), '.cache');
  } catch {
    return undefined;
  }
}
