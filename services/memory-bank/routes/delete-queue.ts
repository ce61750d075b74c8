import type { Context, Routes } from '../context.js';
import { validateName } from '../queue-spec.js';

/** See MemoryBankService.DeleteQueue. */
export const deleteQueue =
  ({ bank, journal, events }: Context): Routes['deleteQueue'] =>
  async ({ queue, epoch, runId }) => {
    if (runId !== '' && !(await leave({ bank, journal }, queue, runId, epoch)))
      return { deleted: false };
    const deleted = bank.delete(queue, runId === '' ? epoch : undefined);
    await journal.drop(queue);
    if (deleted) events.deleted(queue);
    return { deleted };
  };

/** Whether nobody is left who feeds the queue. */
async function leave(
  { bank, journal }: Pick<Context, 'bank' | 'journal'>,
  name: string,
  runId: string,
  epoch: number | undefined,
): Promise<boolean> {
  validateName('run_id', runId);
  const queue = bank.list().find(({ spec }) => spec.queue === name);
  if (!queue?.spec.shared) return false;
  await journal.leave(queue, runId, epoch);
  const isPresent = bank.list().includes(queue);
  return isPresent && queue.members.isEmpty;
}
