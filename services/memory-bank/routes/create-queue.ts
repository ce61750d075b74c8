import { BankQueue } from '../bank-queue.js';
import type { Context, Routes } from '../context.js';
import { validateCount } from '../queue-spec.js';
import { fromWireSpec, toWireState } from '../wire.js';

/** See MemoryBankService.CreateQueue. */
export const createQueue =
  ({ bank, journal, seeder, events }: Context): Routes['createQueue'] =>
  async (request, { signal }) => {
    const { epoch } = request;
    validateCount('epoch', epoch, 0);
    const spec = fromWireSpec(request.spec);
    const prepared = bank.prepareCreate(spec, epoch);
    if (prepared instanceof BankQueue) {
      await journal.keep(prepared);
      return { state: toWireState(prepared.state) };
    }
    try {
      const rows = await seeder.seed(spec, signal);
      const { queue, made } = bank.create(spec, epoch, prepared, rows);
      await journal.keep(queue);
      if (made) events.created(queue);
      return { state: toWireState(queue.state) };
    } catch (error) {
      prepared.release();
      throw error;
    }
  };
