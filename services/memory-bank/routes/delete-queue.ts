import type { Context, Routes } from '../context.js';

/** See MemoryBankService.DeleteQueue. */
export const deleteQueue =
  ({ bank, journal, events }: Context): Routes['deleteQueue'] =>
  async ({ queue, epoch }) => {
    const deleted = bank.delete(queue, epoch);
    await journal.drop(queue);
    if (deleted) events.deleted(queue);
    return { deleted };
  };
