import { moved, serveWorker } from '#runtime/worker.js';
import { createRows, type RowsSpec } from './queue-rows.js';

/** The thread in which the rows of a new queue are drawn. */

const api = {
  seed: async (spec: RowsSpec) => moved(createRows(spec).snapshot()),
};

export type SeederApi = typeof api;

serveWorker(api);
