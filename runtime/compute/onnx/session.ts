import { availableParallelism } from 'node:os';
import type { OnnxRuntime, Session } from './onnxruntime.js';

/** What every session of ONNX Runtime is opened with. */
export function sessionOptions(threads = availableParallelism()) {
  return {
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    // Waiting threads sleep: services share the cores of a machine.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  };
}

/** @param executionProviders in the order of preference */
export function openSession(
  runtime: OnnxRuntime,
  model: Uint8Array,
  executionProviders: readonly string[] = ['cpu'],
  threads?: number,
): Promise<Session> {
  const options = { ...sessionOptions(threads), executionProviders };
  return runtime.InferenceSession.create(model, options);
}
