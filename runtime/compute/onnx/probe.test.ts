import { expect, it } from 'vitest';
import { loadOnnxRuntime, type OnnxRuntime } from './onnxruntime.js';
import { probeBlockSize } from './probe.js';

const runtime = await loadOnnxRuntime();

it('finds a block size that computes right, or none', async () => {
  expect([undefined, 8, 16]).toContain(await probeBlockSize(runtime));
});

it('refuses operators that are not there', async () => {
  const InferenceSession: OnnxRuntime['InferenceSession'] = {
    create: () => Promise.reject(new Error('no such operator')),
  };
  const older = { ...runtime, Tensor: runtime.Tensor, InferenceSession };
  expect(await probeBlockSize(older)).toBeUndefined();
});

it('refuses operators that compute something else', async () => {
  const InferenceSession: OnnxRuntime['InferenceSession'] = {
    async create(model, options) {
      const session = await runtime.InferenceSession.create(model, options);
      return {
        ...{ inputNames: session.inputNames, outputNames: session.outputNames },
        run: async (feeds, fetches) => {
          const results = await session.run(feeds, fetches);
          for (const { data } of Object.values(results)) data[0]! += 1;
          return results;
        },
        release: () => session.release(),
      };
    },
  };
  const changed = { ...runtime, Tensor: runtime.Tensor, InferenceSession };
  expect(await probeBlockSize(changed)).toBeUndefined();
});
