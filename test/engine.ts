import type { EngineName } from '#runtime/compute/engine.js';

/**
 * What tests compute with that are not about engines: it is everywhere, and of
 * those the fastest in small steps (a quarter of `wasm`'s processor time).
 */
export const testEngine = 'onnx' as const satisfies EngineName;
