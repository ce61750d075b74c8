import { DatasetMismatchError } from './errors.js';
import { moved, serveWorker } from './worker.js';

/** The thread of worker.test.ts: one method for each thing that can happen. */
const api = {
  async add(a: number, b: number): Promise<number> {
    return a + b;
  },
  async double(rows: Float32Array): Promise<{ rows: Float32Array }> {
    return moved({ rows: rows.map((value) => 2 * value) });
  },
  async mismatch(): Promise<void> {
    const fields = { dataset: 'cifar10', expected: 'aa', actual: 'bb' };
    throw new DatasetMismatchError(fields);
  },
  async fail(): Promise<void> {
    throw new TypeError('a bug of ours');
  },
  async unclonable(): Promise<unknown> {
    return () => 'functions cannot cross';
  },
  async slow(done: Int32Array): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 300));
    done[0] = 1;
  },
  async never(): Promise<void> {
    return new Promise(() => undefined);
  },
  async exit(code: number): Promise<void> {
    process.exit(code);
  },
  async crash(): Promise<void> {
    setImmediate(() => {
      throw new Error('outside of any call');
    });
    return new Promise(() => undefined);
  },
};

export type TestApi = typeof api;

serveWorker(api);
