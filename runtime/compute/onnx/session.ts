import { availableParallelism } from 'node:os';
import type { OnnxRuntime, Session } from './onnxruntime.js';

/**
 * What every session of ONNX Runtime is opened with.
 * @param executionProviders in the order of preference
 */
export function sessionOptions(
  executionProviders: readonly string[],
  threads = availableParallelism(),
) {
  return {
    executionProviders,
    // Without its advice on which operators run where.
    logSeverityLevel: 3,
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
  const options = sessionOptions(executionProviders, threads);
  return runtime.InferenceSession.create(model, options);
}
