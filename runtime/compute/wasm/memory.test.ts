import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { DeviceMemoryError } from '../../errors.js';
import { wasmProvider } from './index.js';

describe('memory of wasm', () => {
  it('that runs out is an error, and other tensors keep their values', async () => {
    const engine = await wasmProvider.create();
    const kept = tf.tensor1d([1, 2, 3]);
    const backend = tf.backend();
    const taken: object[] = [];
    // Without values, so that the machine need not have the 4 GiB either.
    const unset = null as unknown as Float32Array;
    const take = () => taken.push(backend.write(unset, [2 ** 28], 'float32'));
    const takeAll = () => {
      for (let count = 0; count < 4; count++) take();
    };
    expect(takeAll).toThrow(DeviceMemoryError);
    expect(kept.dataSync()).toEqual(Float32Array.of(1, 2, 3));
    for (const data of taken) backend.disposeData(data);
    expect(take()).toBe(taken.length);
    await engine.dispose();
  });

  it('takes no tensor of 2 GiB', async () => {
    const engine = await wasmProvider.create();
    expect(() => tf.fill([2 ** 29], 7)).toThrow(DeviceMemoryError);
    await engine.dispose();
  });
});
