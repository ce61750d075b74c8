import { queueHealth } from '#distill/queue-health.js';
import { serveWorker } from '#runtime/worker.js';

/** The thread that measures rows: gRPC never waits for it. */

const api = {
  measure: async (rows: Float32Array, featDim: number) =>
    queueHealth({ rows, featDim }),
};

export type HealthApi = typeof api;

serveWorker(api);
