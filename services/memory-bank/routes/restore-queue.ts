import type { RestoreHeader__Output } from '#proto/rrd/v1/RestoreHeader.js';
import type { RestoreQueueRequest__Output } from '#proto/rrd/v1/RestoreQueueRequest.js';
import { storedRows, type StoredRows } from '#distill/precision.js';
import { BatchShapeError, InvalidRequestError } from '#runtime/errors.js';
import { fromWire } from '#runtime/rpc/tensor-codec.js';
import type { Restoration } from '../bank.js';
import type { Context, Routes } from '../context.js';
import { validateCount, type QueueSpec } from '../queue-spec.js';
import { fromWireSpec, required, toWireState } from '../wire.js';

/** See MemoryBankService.RestoreQueue. */
export const restoreQueue =
  ({ bank, journal, events }: Context): Routes['restoreQueue'] =>
  async (requests) => {
    const messages = requests[Symbol.asyncIterator]();
    const first = await messages.next();
    const header = required('header', first.done ? null : first.value.header);
    const restoration = fromWireHeader(header);
    if (restoration.spec.shared) throw sharedRestore();
    const memory = bank.prepareRestore(restoration);
    try {
      const rows = await readRows(messages, restoration.spec);
      const queue = bank.restore(restoration, memory, rows);
      await journal.keep(queue);
      events.restored(queue);
      return { state: toWireState(queue.state) };
    } catch (error) {
      memory.release();
      throw error;
    }
  };

/** Its runs would each bring other rows back. */
function sharedRestore(): InvalidRequestError {
  const expected = 'false: a copy of a shared queue is not shared';
  const field = 'spec.shared';
  return new InvalidRequestError({ field, value: true, expected });
}

function fromWireHeader(header: RestoreHeader__Output): Restoration {
  const { spec, epoch, version, pointer, nextStep } = header;
  validateCount('epoch', epoch, 0);
  validateCount('version', version, 0);
  validateCount('next_step', nextStep, 0);
  return { spec: fromWireSpec(spec), epoch, version, pointer, nextStep };
}

/** All chunks of a stream, which must be exactly the queue's rows. */
async function readRows(
  messages: AsyncIterator<RestoreQueueRequest__Output>,
  { capacity, featDim, precision }: QueueSpec,
): Promise<StoredRows> {
  const rows = storedRows(precision, capacity * featDim); // [K, d]
  let filled = 0;
  for (
    let message = await messages.next();
    !message.done;
    message = await messages.next()
  ) {
    const { data } = fromWire(message.value.chunk, {
      field: 'chunk',
      dataType: precision,
      shape: [null, featDim],
    });
    if (filled + data.length > rows.length) {
      throw wrongCount(
        capacity,
        `at least ${(filled + data.length) / featDim}`,
      );
    }
    rows.set(data, filled);
    filled += data.length;
  }
  if (filled < rows.length) throw wrongCount(capacity, `${filled / featDim}`);
  return rows;
}

function wrongCount(capacity: number, actual: string): BatchShapeError {
  return new BatchShapeError({
    field: 'chunk',
    expected: `${capacity} rows in all`,
    actual: `${actual} rows`,
  });
}
