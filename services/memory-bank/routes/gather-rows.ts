import type { GatherRowsResponse } from '#proto/rrd/v1/GatherRowsResponse.js';
import { toWireRows } from '#runtime/bank/wire-rows.js';
import { InvalidRequestError } from '#runtime/errors.js';
import type { Context, Routes } from '../context.js';
import { rowChunks } from '../row-chunks.js';
import { validateSlots } from '../submission.js';
import { toWireState } from '../wire.js';

const maxSlots = 2 ** 20;

/** See MemoryBankService.GatherRows. */
export const gatherRows = ({ bank }: Context): Routes['gatherRows'] =>
  async function* ({ queue: name, slots }): AsyncGenerator<GatherRowsResponse> {
    const queue = bank.get(name);
    const { capacity, featDim } = queue.spec;
    validateCountOf(slots);
    validateSlots(slots, capacity);
    const memory = bank.reserveRows({ ...queue.spec, capacity: slots.length });
    try {
      const rows = queue.gather(slots);
      yield { state: toWireState(queue.state) };
      for (const chunk of rowChunks(rows, featDim))
        yield { rows: toWireRows(chunk.rows, queue.spec) };
    } finally {
      memory.release();
    }
  };

function validateCountOf({ length }: readonly number[]): void {
  if (length <= maxSlots) return;
  const expected = `at most ${maxSlots} slots`;
  throw new InvalidRequestError({ field: 'slots', value: length, expected });
}
