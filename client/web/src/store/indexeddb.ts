/** The store of a browser: one database of one object store, keys as they are. */
import { END } from './kv.js';
import type { Key, Kv, Tx } from './kv.js';

const ROWS = 'rows';

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

class IndexedKv implements Kv {
  constructor(private database: IDBDatabase) {
    // Another tab has a newer SDK, or deletes the database.
    database.onversionchange = () => database.close();
  }

  read<T>(body: (tx: Tx) => Promise<T>): Promise<T> {
    return this.run('readonly', body);
  }

  write<T>(body: (tx: Tx) => Promise<T>): Promise<T> {
    return this.run('readwrite', body);
  }

  close(): void {
    this.database.close();
  }

  private async run<T>(mode: IDBTransactionMode, body: (tx: Tx) => Promise<T>): Promise<T> {
    // What is acknowledged to the server must outlive a power cut.
    const transaction = this.database.transaction(ROWS, mode, { durability: 'strict' });
    const ended = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error('the transaction was given up'));
    });
    ended.catch(() => {});
    let result: T;
    try {
      result = await body(view(transaction.objectStore(ROWS)));
    } catch (error) {
      try {
        transaction.abort();
      } catch {
        /* It has failed by itself. */
      }
      throw error;
    }
    await ended;
    return result;
  }
}

function view(rows: IDBObjectStore): Tx {
  return {
    get: (key) => done(rows.get(key)),
    put: (key, value) => void rows.put(value, key),
    delete: (key) => void rows.delete(key),
    deleteAll: (prefix) => void rows.delete(IDBKeyRange.bound(prefix, [...prefix, END])),
    list: (low: Key, high: Key, most, isDescending) => {
      const range = IDBKeyRange.bound(low, high);
      if (!isDescending) return done(rows.getAll(range, most === Infinity ? undefined : most));
      return new Promise((resolve, reject) => {
        const values: unknown[] = [];
        const request = rows.openCursor(range, 'prev');
        request.onerror = () => reject(request.error);
        request.onsuccess = () => {
          const cursor = request.result;
          if (!cursor || values.push(cursor.value) >= (most ?? Infinity)) resolve(values);
          else cursor.continue();
        };
      });
    },
  };
}

export async function openIndexedDb(name: string): Promise<Kv> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(ROWS);
  return new IndexedKv(await done(request));
}
