import { workerData } from 'node:worker_threads';
import type { HostTensor } from '#distill/tensors.js';
import { openShared, type SharedDataset } from '#runtime/data/shared.js';
import { moved, serveWorker } from '#runtime/worker.js';
import { type Batch, batchOf, imagesOf, type ViewSettings } from './batches.js';
import type { BatchRef } from './trainer-api.js';

/** The thread that makes a run's batches. */

export interface BatchThreadData {
  readonly dataset: SharedDataset;
  readonly views: ViewSettings;
}

const { dataset: shared, views } = workerData as BatchThreadData;
const dataset = openShared(shared);

const api = {
  async batchOf(batch: BatchRef): Promise<Batch> {
    return moved(await batchOf(dataset, views, batch));
  },
  async imagesOf(batch: BatchRef): Promise<HostTensor> {
    return moved(await imagesOf(dataset, views, batch));
  },
};

export type BatchApi = typeof api;

serveWorker(api);
