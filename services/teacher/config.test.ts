import { describe, expect, it } from 'vitest';
import { ConfigInvalidError } from '#runtime/errors.js';
import { toConfig } from './config.js';

describe("the teacher's configuration", () => {
  it('is total and frozen', () => {
    const config = toConfig({});
    expect(config).toEqual({
      listen: { host: '127.0.0.1', port: 0, insecurePlaintext: false },
      modelsDir: 'models',
      engine: 'auto',
      precision: 'float32',
      datasets: {},
      maxBatchSize: 128,
      preferredBatchSizes: [],
      maxQueueDelayMs: 2,
      maxQueuedRequests: 256,
      instances: 1,
      streamCredits: 8,
      maxModels: 4,
      preload: [],
      cache: { memoryBytes: 2 ** 28, diskBytes: 2 ** 32 },
      loadMs: 60_000,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('takes the texts of an environment', () => {
    const config = toConfig({
      listen: { port: '50051', insecurePlaintext: 'true' },
      maxBatchSize: '64',
      preferredBatchSizes: '8,32',
      preload: 'resnet20,resnet56',
      maxQueueDelayMs: '0.5',
    });
    expect(config).toMatchObject({
      listen: { port: 50051, insecurePlaintext: true },
      maxBatchSize: 64,
      preferredBatchSizes: [8, 32],
      preload: ['resnet20', 'resnet56'],
      maxQueueDelayMs: 0.5,
    });
  });

  it.each([
    { maxBatchSize: 0 },
    { maxBatchSize: 1.5 },
    { maxBatchSize: 8, preferredBatchSizes: [16] },
    { maxModels: 1, preload: ['a', 'b'] },
    { instances: 0 },
    { maxQueueDelayMs: -1 },
    { engine: 'gpu' },
    { listen: { port: 70_000 } },
    { batchSize: 3 },
  ])('refuses %j', (settings) => {
    const parse = () => toConfig(settings as object);
    expect(parse).toThrow(ConfigInvalidError);
  });
});
