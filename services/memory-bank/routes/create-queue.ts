import type { Context, Routes } from '../context.js';
import { validateCount } from '../queue-spec.js';
import { fromWireSpec, toWireState } from '../wire.js';

/** See MemoryBankService.CreateQueue. */
export const createQueue =
  ({ bank, events }: Context): Routes['createQueue'] =>
  async ({ spec, epoch }) => {
    validateCount('epoch', epoch, 0);
    const { queue, made } = bank.create(fromWireSpec(spec), epoch);
    if (made) events.created(queue);
    return { state: toWireState(queue.state) };
  };
