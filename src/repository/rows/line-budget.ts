// How many lines of tables are in memory at once: several small tables are read at a time, and large ones one after the other.

export class LineBudget {
  readonly #most: number;
  #free: number;
  readonly #waiting: { readonly lines: number; go(): void }[] = [];

  constructor(most: number) {
    this.#most = most;
    this.#free = most;
  }

  /** Waits for its turn, first come, first served; `release` gives the room back. More lines than there is room for wait for all of it. */
  async take(expectedLines: number): Promise<{ release(): void }> {
    const lines = Math.min(this.#most, Math.ceil(expectedLines));
    await new Promise<void>((go) => {
      this.#waiting.push({ lines, go });
      this.#letIn();
    });
    return {
      release: () => {
        this.#free += lines;
        this.#letIn();
      },
    };
  }

  #letIn(): void {
    for (let [next] = this.#waiting; next && next.lines <= this.#free; [next] = this.#waiting) {
      this.#waiting.shift();
      this.#free -= next.lines;
      next.go();
    }
  }
}
