/** Wrong answers that the self-check found: a file for each, and what `/status` says of them. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../lib/errors.ts';
import { refuseForeign } from '../lib/own-folder.ts';

/** Who pauses a table that answered wrongly. */
export const SELF_CHECK = 'segmentd self-check';

/** A wrong answer, as `/status` has it. */
export type SelfCheckFinding = {
  /** ISO 8601. */
  readonly at: string;
  readonly version: number;
  readonly index: string;
  /** The file that says more, on the host of the member that checked; null when it could not be written. */
  readonly evidence: string | null;
};

/** What a file says first; the rest is for people. */
type EvidenceHead = Omit<SelfCheckFinding, 'evidence'> & { readonly table: string };

/** Files that are kept: the oldest go first. */
const KEPT = 100;

const NAME = /^wrong-answer-.*\.json$/;

export class EvidenceFolder {
  readonly #folder: string;
  readonly #kept: number;
  readonly #findings = new Map<string, SelfCheckFinding>();

  /** `kept` is for tests: the files that are kept. */
  constructor(folder: string, kept: number = KEPT) {
    this.#folder = folder;
    this.#kept = kept;
  }

  /**
   * Reads what earlier processes found. Files that cannot be read say nothing, and neither does a folder that is not there. Rejects where
   * another user may have written them.
   */
  async load(): Promise<void> {
    await refuseForeign(this.#folder);
    for (const name of await this.#names()) {
      const evidence = join(this.#folder, name);
      const head = await readFile(evidence, 'utf8')
        .then(headOf)
        .catch(() => null);
      if (head) this.#note(head, evidence);
    }
  }

  /**
   * Keeps a finding in a file of its own, which only its user can read: keys are data of the table. Rejects with the file system's error,
   * and where other users write to the folder; the finding is known all the same.
   */
  async keep<Evidence extends EvidenceHead>(evidence: Evidence): Promise<string> {
    this.#note(evidence, null);
    await refuseForeign(this.#folder);
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const file = join(this.#folder, nameOf(evidence));
    await writeFile(file, `${JSON.stringify(evidence, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    this.#note(evidence, file);
    const names = await this.#names();
    for (const name of names.slice(0, Math.max(0, names.length - this.#kept))) {
      await rm(join(this.#folder, name), { force: true });
    }
    return file;
  }

  /** The last finding of a table, or null. */
  of(table: string): SelfCheckFinding | null {
    return this.#findings.get(table) ?? null;
  }

  #note({ table, at, version, index }: EvidenceHead, evidence: string | null): void {
    this.#findings.delete(table);
    this.#findings.set(table, { at, version, index, evidence });
    if (this.#findings.size > this.#kept) this.#findings.delete(this.#findings.keys().next().value as string);
  }

  /** In the order in which they were made. */
  async #names(): Promise<string[]> {
    try {
      return (await readdir(this.#folder)).filter((name) => NAME.test(name)).sort();
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
  }
}

/** By time, and no path of any kind, whatever a table or an index is called. */
function nameOf({ at, table, version, index }: EvidenceHead): string {
  const plain = (text: string) => text.replace(/[^\w-]+/g, '_').slice(0, 60);
  return `wrong-answer-${at.replace(/[:.]/g, '-')}-${plain(table)}-${version}-${plain(index)}.json`;
}

function headOf(text: string): EvidenceHead | null {
  const head = JSON.parse(text) as Partial<EvidenceHead> | null;
  const { table, at, version, index } = head ?? {};
  const isWhole = [table, at, index].every((each) => typeof each === 'string') && typeof version === 'number';
  return isWhole ? ({ table, at, version, index } as EvidenceHead) : null;
}
