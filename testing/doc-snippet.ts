/** The code that a page of the documentation shows, for tests that run it. */
import { readFileSync } from 'node:fs';

/** The first code block below a heading of `docs/<page>`, with `changes` made to it: each must be there to be made. */
export function docSnippet(page: string, heading: string, changes: Readonly<Record<string, string>>): string {
  const text = readFileSync(new URL(`../docs/${page}`, import.meta.url), 'utf8');
  const section = text.split(/^#{2,3} /m).find((it) => it.startsWith(`${heading}\n`));
  const code = section && /^```\w+\n(.*?)^```$/ms.exec(section)?.[1];
  if (code === undefined) throw new Error(`docs/${page} shows no code below "${heading}"`);
  return Object.entries(changes).reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`the code below "${heading}" does not say ${from}`);
    return changed.replaceAll(from, to);
  }, code);
}
