/** An ordered store of keys and values with transactions: IndexedDB in browsers, plain memory elsewhere. */

/** Compared part by part; numbers stand before texts, and an empty list (`END`) behind both. */
export type Key = (number | string | [])[];
export const END: [] = [];

export interface Tx {
  get(key: Key): Promise<any>;
  put(key: Key, value: unknown): void;
  delete(key: Key): void;
  /** All whose keys begin with the prefix. */
  deleteAll(prefix: Key): void;
  /** Values with keys from `low` to `high`, both included. */
  list(low: Key, high: Key, most?: number, isDescending?: boolean): Promise<any[]>;
}

export interface Kv {
  read<T>(body: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Resolves when it is durable; nothing of it stays when the body throws. In the body only the transaction is
   * awaited.
   */
  write<T>(body: (tx: Tx) => Promise<T>): Promise<T>;
  close(): void;
}

export function compareKeys(a: Key, b: Key): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const [x, y] = [a[index]!, b[index]!];
    if (x === y) continue;
    const rank = (part: number | string | []) => (typeof part === 'number' ? 0 : typeof part === 'string' ? 1 : 2);
    if (rank(x) !== rank(y)) return rank(x) - rank(y);
    if (rank(x) < 2) return x < y ? -1 : 1;
  }
  return a.length - b.length;
}

/** One transaction at a time. */
export class MemoryKv implements Kv {
  private rows: { key: Key; value: unknown }[] = [];
  private last: Promise<unknown> = Promise.resolve();

  read<T>(body: (tx: Tx) => Promise<T>): Promise<T> {
    return this.run(body);
  }

  write<T>(body: (tx: Tx) => Promise<T>): Promise<T> {
    return this.run(async (tx) => {
      const before = [...this.rows];
      try {
        return await body(tx);
      } catch (error) {
        this.rows = before;
        throw error;
      }
    });
  }

  close(): void {}

  private run<T>(body: (tx: Tx) => Promise<T>): Promise<T> {
    const result = this.last.then(() => body(this.tx));
    this.last = result.catch(() => {});
    return result;
  }

  /** Where the key stands, or would. */
  private find(key: Key): number {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareKeys(this.rows[middle]!.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private holds(index: number, key: Key): boolean {
    const row = this.rows[index];
    return row !== undefined && compareKeys(row.key, key) === 0;
  }

  private tx: Tx = {
    get: async (key) => {
      const index = this.find(key);
      return this.holds(index, key) ? structuredClone(this.rows[index]!.value) : undefined;
    },
    put: (key, value) => {
      const index = this.find(key);
      this.rows.splice(index, this.holds(index, key) ? 1 : 0, { key, value: structuredClone(value) });
    },
    delete: (key) => {
      const index = this.find(key);
      if (this.holds(index, key)) this.rows.splice(index, 1);
    },
    deleteAll: (prefix) => {
      const from = this.find(prefix);
      this.rows.splice(from, this.find([...prefix, END]) - from);
    },
    list: async (low, high, most = Infinity, isDescending = false) => {
      const end = this.find(high);
      const rows = this.rows.slice(this.find(low), this.holds(end, high) ? end + 1 : end);
      if (isDescending) rows.reverse();
      return rows.slice(0, most).map(({ value }) => structuredClone(value));
    },
  };
}
