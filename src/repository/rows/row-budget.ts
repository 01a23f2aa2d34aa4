// How many rows of tables are in memory at once: several small tables are read at a time, and large ones one after the other.

export class RowBudget {
  readonly most: number;
  #free: number;
  readonly #waiting: { readonly rows: number; go(): void }[] = [];

  constructor(most: number) {
    this.most = most;
    this.#free = most;
  }

  /** Waits for its turn, first come, first served; `release` gives the room back. More rows than there is room for wait for all of it. */
  async take(expectedRows: number): Promise<{ release(): void }> {
    const rows = Math.min(this.most, Math.ceil(expectedRows));
    await new Promise<void>((go) => {
      this.#waiting.push({ rows, go });
      this.#letIn();
    });
    return {
      release: () => {
        this.#free += rows;
        this.#letIn();
      },
    };
  }

  #letIn(): void {
    for (let [next] = this.#waiting; next && next.rows <= this.#free; [next] = this.#waiting) {
      this.#waiting.shift();
      this.#free -= next.rows;
      next.go();
    }
  }
}
