import type { KernelBackend } from '@tensorflow/tfjs-core';
import { DeviceMemoryError } from '../../errors.js';

/** The part of the backend that takes memory for tensors. */
interface WasmBackend {
  readonly wasm: {
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
}

/** One tensor's limit: the allocator counts in signed 32 bits. */
const limitBytes = 2 ** 31;

const guarded = new WeakSet<object>();

/**
 * Makes the backend throw `DeviceMemoryError` when memory runs out. By itself
 * it takes the null pointer for memory, and tensors overwrite each other.
 */
export function guardMemory(backend: KernelBackend): void {
  const { wasm } = backend as unknown as WasmBackend;
  if (guarded.has(wasm)) return;
  guarded.add(wasm);
  wasm._free(wasm._malloc(1)); // the first call replaces the function itself
  const allocate = wasm._malloc.bind(wasm);
  wasm._malloc = (bytes) => {
    const address = bytes < limitBytes ? allocate(bytes) : 0;
    if (address) return address;
    throw new DeviceMemoryError({ requestedBytes: bytes });
  };
}
