import type { QueueSnapshot } from '#distill/queue.js';
import type { QueueState__Output } from '#proto/rrd/v1/QueueState.js';
import { ServiceUnavailableError } from '../errors.js';
import type { RpcClient } from '../rpc/client.js';
import { SnapshotReader } from './snapshot-reader.js';

/** A queue at one version. */
export interface ReadQueue {
  readonly state: QueueState__Output;
  readonly snapshot: QueueSnapshot;
}

/** How long the bank may send nothing. */
const idleMs = 30_000;

/**
 * Reads one snapshot of a queue.
 * @throws QueueNotFoundError, ServiceUnavailableError, BankBytesError
 */
export async function readQueue(
  client: RpcClient<'rrd.v1.MemoryBankService'>,
  queue: string,
): Promise<ReadQueue> {
  let reader: SnapshotReader | undefined;
  let state: QueueState__Output | null = null;
  for await (const message of client.subscribe({ queue }, { idleMs })) {
    const { snapshot, chunk } = message;
    if (snapshot) {
      ({ state } = snapshot);
      reader = new SnapshotReader(state?.spec?.featDim ?? 0);
      reader.begin(snapshot);
    }
    if (chunk) reader?.add(chunk);
    if (state && reader?.snapshot) return { state, snapshot: reader.snapshot };
  }
  const service = 'rrd.v1.MemoryBankService';
  const fields = { service, address: 'the stream ended', waitedMs: 0 };
  throw new ServiceUnavailableError(fields);
}
