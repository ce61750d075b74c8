import type { Context, Routes } from '../context.js';
import { toWireState } from '../wire.js';

/** See MemoryBankService.GetQueueHealth. */
export const getQueueHealth =
  ({ bank, health: monitor }: Context): Routes['getQueueHealth'] =>
  async ({ queue: name }) => {
    const queue = bank.get(name);
    const health = await monitor.measure(queue);
    return { state: toWireState(queue.state), health };
  };
