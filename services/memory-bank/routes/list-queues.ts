import type { Context, Routes } from '../context.js';
import { toWireState } from '../wire.js';

/** See MemoryBankService.ListQueues. */
export const listQueues =
  ({ bank }: Context): Routes['listQueues'] =>
  async () => ({ queues: bank.list().map(({ state }) => toWireState(state)) });
