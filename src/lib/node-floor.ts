/** The oldest Node that segmentd runs on: the one of package.json, `engines`. Runs on Node that is older still: see main.ts. */
import { readFileSync } from 'node:fs';
import { shippedFile } from './shipped-file.ts';

/** As `22.15`. */
export function requiredNode(): string {
  const { engines } = JSON.parse(readFileSync(shippedFile('package.json'), 'utf8')) as { engines: { node: string } };
  return engines.node.replace('>=', '');
}

/** A sentence for a Node of version `running` that is older than `required`, else null. Both as `22`, `22.15` or `22.15.0`. */
export function missesNode(running: string, required: string = requiredNode()): string | null {
  const [has, wants] = [running, required].map((version) => version.split('.').map(Number));
  for (let at = 0; has && wants && at < wants.length; at++) {
    const difference = Number(has[at]) - Number(wants[at]);
    if (difference > 0) return null;
    if (difference < 0) return `segmentd needs Node ${required} or newer; this is Node ${running}.`;
  }
  return null;
}
