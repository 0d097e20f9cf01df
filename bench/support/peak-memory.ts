/** Imported before a program, `node --import <this> <program>`: writes the peak of its resident memory, in bytes, to PEAK_MEMORY_FILE. */
import { writeFileSync } from 'node:fs';
import { peakBytes } from './peak-bytes.ts';

process.once('exit', () => {
  const { PEAK_MEMORY_FILE: file } = process.env;
  if (file !== undefined) writeFileSync(file, String(peakBytes()));
});
