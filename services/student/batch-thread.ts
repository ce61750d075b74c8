import type { HostTensor } from '#distill/tensors.js';
import type { SharedDataset } from '#runtime/data/shared.js';
import { startWorker } from '#runtime/worker.js';
import type { Batch, ViewSettings } from './batches.js';
import type { BatchApi, BatchThreadData } from './batch-worker.js';
import type { BatchRef } from './trainer-api.js';

/** Batches as the network takes them. */
export interface BatchSource {
  batchOf(batch: BatchRef): Promise<Batch>;
  /** See `imagesOf` of batches.ts. */
  imagesOf(batch: BatchRef): Promise<HostTensor>;
}

/**
 * Starts a thread that decodes, augments and normalises while its caller computes;
 * nothing is copied on the way. It ends with its caller.
 */
export async function startBatchThread(
  dataset: SharedDataset,
  views: ViewSettings,
): Promise<BatchSource> {
  const entry = new URL('./batch-worker.js', import.meta.url);
  const data: BatchThreadData = { dataset, views };
  const options = { name: 'batches', data, maxPendingCalls: 1024 };
  return (await startWorker<BatchApi>(entry, options)).api;
}
