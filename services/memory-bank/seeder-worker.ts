import { FifoQueue, type QueueOptions } from '#distill/queue.js';
import { moved, serveWorker } from '#runtime/worker.js';

/** The thread in which the rows of a new queue are drawn. */

const api = {
  seed: async (options: QueueOptions) =>
    moved(FifoQueue.create(options).snapshot()),
};

export type SeederApi = typeof api;

serveWorker(api);
