import { currentTraceparent } from '#runtime/rpc/trace.js';
import { fromWire } from '#runtime/rpc/tensor-codec.js';
import type { Context, Routes } from '../context.js';
import { validateCount, validateName } from '../queue-spec.js';
import { required } from '../wire.js';

/** See MemoryBankService.Enqueue. */
export const enqueue =
  ({ bank, journal, events }: Context): Routes['enqueue'] =>
  async (request) => {
    const { runId, step, rank } = required('batch_id', request.batchId);
    validateName('batch_id.run_id', runId);
    validateCount('batch_id.step', step, 0);
    const queue = bank.get(request.queue);
    const { data, shape } = fromWire(request.rows, {
      field: 'rows',
      dataType: queue.spec.precision,
      shape: [null, null],
    });
    const { duplicate, commits } = await journal.enqueue(queue, {
      runId,
      step,
      rank,
      epoch: request.epoch,
      teacherDigest: request.teacherDigest,
      ...(request.projectionSeed !== undefined && {
        projectionSeed: request.projectionSeed,
      }),
      featDim: shape[1] ?? 0,
      rows: data,
      ...(request.slots.length > 0 && { slots: request.slots }),
      traceparent: currentTraceparent(),
    });
    if (duplicate) events.duplicate(queue);
    for (const commit of commits) events.committed(queue, commit);
    return { duplicate };
  };
