import { readFileSync } from 'node:fs';

/**
 * The peak of the resident memory of this process. What getrusage says counts, on Linux, the process that started this one: it had its
 * memory until the program was loaded.
 */
export function peakBytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kib) * 1024;
}
