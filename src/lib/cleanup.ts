/** Cleanup of the resources of a process, run last-in-first-out. */

export class Cleanup {
  private readonly stack: (() => unknown)[] = [];

  /** Adds a callback that releases a resource. */
  defer(release: () => unknown): void {
    this.stack.push(release);
  }

  /** Runs every callback, even after one failed, then throws the first error. Running it again does nothing. */
  async run(): Promise<void> {
    const errors: unknown[] = [];
    for (let release = this.stack.pop(); release; release = this.stack.pop()) {
      try {
        await release();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
