/** Lets each table wait at most once and run at most once at a time, however often somebody asks for it. */
export class Turns {
  private readonly waiting = new Set<string>();
  private readonly running = new Set<string>();
  /** Asked for while they ran. */
  private readonly wanted = new Set<string>();
  private readonly resting = new Set<string>();

  /** Whether the table gets a turn for this; else it has one, or is told of it at the end of the one that runs. */
  enter(table: string): boolean {
    if (this.waiting.has(table) || this.resting.has(table)) return false;
    if (this.running.has(table)) {
      this.wanted.add(table);
      return false;
    }
    this.waiting.add(table);
    return true;
  }

  begin(table: string): void {
    this.waiting.delete(table);
    this.running.add(table);
  }

  /** The table gets no turn until it is woken. */
  rest(table: string): void {
    this.resting.add(table);
  }

  wake(table: string): void {
    this.resting.delete(table);
  }

  /** Whether somebody asked for the table while it ran. */
  end(table: string): boolean {
    this.running.delete(table);
    return this.wanted.delete(table);
  }
}
