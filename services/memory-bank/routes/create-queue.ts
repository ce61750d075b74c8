import { BankQueue } from '../bank-queue.js';
import type { Context, Routes } from '../context.js';
import { type QueueSpec, validateCount } from '../queue-spec.js';
import { fromWireMember, fromWireSpec, toWireState } from '../wire.js';

/** See MemoryBankService.CreateQueue. */
export const createQueue =
  (context: Context): Routes['createQueue'] =>
  async (request, { signal }) => {
    const { journal, events } = context;
    const { epoch } = request;
    const spec = fromWireSpec(request.spec);
    validateCount('epoch', epoch, 0, spec.shared ? 0 : undefined);
    const member = fromWireMember(request.member, spec);
    const { queue, made } = await queueOf(context, spec, epoch, signal);
    // At once: a queue that its last member leaves is freed. The queue comes
    // first, for a member is kept with it.
    await Promise.all([
      journal.keep(queue),
      member && journal.join(queue, member),
    ]);
    if (made) events.created(queue);
    return { state: toWireState(queue.state) };
  };

/** The present queue, if it is the same, or else a new one. */
async function queueOf(
  { bank, seeder }: Context,
  spec: QueueSpec,
  epoch: number,
  signal: AbortSignal,
): Promise<{ queue: BankQueue; made: boolean }> {
  const prepared = bank.prepareCreate(spec, epoch);
  if (prepared instanceof BankQueue) return { queue: prepared, made: false };
  try {
    const rows = await seeder.seed(spec, signal);
    return bank.create(spec, epoch, prepared, rows);
  } catch (error) {
    prepared.release();
    throw error;
  }
}
