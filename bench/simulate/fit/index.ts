import type { Environments } from '../../../test/processes.js';
import {
  batchSize,
  featDim,
  prefetch,
  type ScalePlace,
  startScale,
} from '../../scale/world.js';
import type { Parameters } from '../parameters.js';
import { fitBank } from './bank.js';
import { fitMessages } from './messages.js';
import { fitStudent, fitTeacher } from './networks.js';

/**
 * A student on one thread, so that as many as there are cores go at a time; the
 * teacher on two, since TensorFlow's results depend on the batch with one.
 */
const threads = { student: 1, teacher: 2 };

export const fewThreads: Environments = (role) => ({
  TF_NUM_INTRAOP_THREADS:
    role === 'teacher' ? threads.teacher : threads.student,
});

export interface Fit {
  readonly parameters: Parameters;
  /** Of a batch that the teacher finds in its cache. */
  readonly knownBatchMs: number;
}

/**
 * The parameters of this machine, as processor time: other programs that run
 * meanwhile lengthen a step, but hardly what it costs.
 */
export async function fit(place: ScalePlace, cores: number): Promise<Fit> {
  const rowsMebibytes = (batchSize * featDim * 4) / 2 ** 20;
  const message = await fitMessages();
  const messagesMs = (messages: number, mebibytes: number) =>
    messages * message.messageMs + mebibytes * message.mebibyteMs;
  const bank = await fitBank(rowsMebibytes, messagesMs);
  await using cluster = await startScale(place, 1, fewThreads);
  const { batchMs, knownBatchMs } = await fitTeacher(cluster, place);
  const student = await fitStudent(cluster, place);
  const parameters = {
    student: { ...student, threads: threads.student },
    teacher: { batchMs, threads: threads.teacher },
    ...{ bank, message, rowsMebibytes, prefetch, cores },
    // Within one machine.
    network: { latencyMs: 0 },
  };
  return { parameters, knownBatchMs };
}
