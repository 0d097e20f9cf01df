/** What the commands print: facts on standard output, for people or as JSON. */
import type { Output } from './io.ts';
import { thousands } from './thousands.ts';

export function printJson(out: Output, value: unknown): void {
  out.write(`${JSON.stringify(value, (_key, it: unknown) => (typeof it === 'bigint' ? it.toString() : it))}\n`);
}

export function printLine(out: Output, line = ''): void {
  out.write(`${line}\n`);
}

export function printLines(out: Output, lines: readonly string[]): void {
  for (const line of lines) printLine(out, line);
}

/** Columns padded to their widest cell; numbers to the right, `-` for a missing one too. `paint` colours a padded cell; row -1 is the header. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  paint: (cell: string, row: number, column: number) => string = (cell) => cell,
): string {
  const cells = [header, ...rows.map((row) => row.map(formatCell))];
  const widths = header.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const isNumeric = (cell: string | number | undefined) => typeof cell === 'number' || cell === '-';
  const right = header.map((_, column) => rows.length > 0 && rows.every((row) => isNumeric(row[column])));
  return cells
    .map((row, at) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return paint(right[column] ? cell.padStart(width) : cell.padEnd(width), at - 1, column);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const formatCell = (cell: string | number) => (typeof cell === 'number' ? thousands(cell) : printable(cell));

/** A name from outside, on one line and without control over the terminal: control characters as `\u000a`. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same for text of several lines. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');

/** `1 row`, `1,200 rows`. */
export const counted = (count: number, noun: string): string => `${thousands(count)} ${noun}${count === 1 ? '' : 's'}`;

/** A share as a percentage, floored: never 100 % while anything is missing. */
export function formatShare(share: number): string {
  return `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`;
}

export function formatBytes(bytes: number | null): string {
  if (bytes === null) return 'unknown';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
