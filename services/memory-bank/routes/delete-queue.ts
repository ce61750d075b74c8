import type { Context, Routes } from '../context.js';

/** See MemoryBankService.DeleteQueue. */
export const deleteQueue =
  ({ bank, events }: Context): Routes['deleteQueue'] =>
  async ({ queue }) => {
    const deleted = bank.delete(queue);
    if (deleted) events.deleted(queue);
    return { deleted };
  };
