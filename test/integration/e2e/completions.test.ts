/** Completions in the shells themselves. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { segmentd } from '../../../testing/cli.ts';
import { ensureShell } from '../../../testing/shells.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const run = promisify(execFile);

/** How each shell is asked what it would complete; the last word is the one at the cursor. */
const ASK: Readonly<Record<string, (file: string, words: readonly string[]) => string>> = {
  bash: (file, words) =>
    `source ${file}; COMP_WORDS=(${quoted(words)}); COMP_CWORD=${words.length - 1}; _segmentd; printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: (file, words) =>
    `compdef() { :; }; compadd() { shift; print -rl -- "$@"; }; _files() { :; }; source ${file}; words=(${quoted(words)}); CURRENT=${words.length}; _segmentd`,
  fish: (file, words) => `source ${file}; complete -C '${words.join(' ')}'`,
};

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ');

describe.each(Object.keys(ASK))('in %s', (shell) => {
  async function complete(...words: string[]): Promise<string[]> {
    await ensureShell(shell);
    const dir = await tempDir();
    const file = join(dir, 'completions');
    await writeFile(file, (await segmentd(['completions', shell])).stdout);
    const { stdout } = await run(shell, ['-c', ASK[shell]?.(file, ['segmentd', ...words]) ?? ''], { cwd: dir });
    // Fish tells what each is for behind a tab; zsh is given all, and chooses.
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? '']));
  }

  test('commands, commands below them, options and their choices are offered', async () => {
    expect(await complete('')).toEqual(
      expect.arrayContaining(['run', 'status', 'pause', 'dead-letters', 'completions']),
    );
    const below = await complete('dead-letters', '');
    expect(below).toEqual(expect.arrayContaining(['list', 'show', 'replay']));
    expect(below).not.toContain('pause');
    expect(await complete('dead-letters', 'replay', '--')).toEqual(expect.arrayContaining(['--dry-run', '--again']));
    expect(await complete('index', '--kind', '')).toEqual(expect.arrayContaining(['btree', 'ivf_pq']));
    expect(await complete('completions', '')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
  });
});

test('another shell is refused', async () => {
  expect((await segmentd(['completions', 'tcsh'])).code).toBe(64);
});
