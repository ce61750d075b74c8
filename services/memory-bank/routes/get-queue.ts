import type { Context, Routes } from '../context.js';
import { toWireState } from '../wire.js';

/** See MemoryBankService.GetQueue. */
export const getQueue =
  ({ bank }: Context): Routes['getQueue'] =>
  async ({ queue }) => ({ state: toWireState(bank.get(queue).state) });
