import { beforeAll, describe, expect, it } from 'vitest';
import { experimentFields } from '#distill/experiment.js';
import { createEngine, engineProviders } from '#runtime/compute/index.js';
import { engineChoices, engineNames } from '#runtime/compute/engine.js';
import {
  engineContract,
  referenceOf,
  type Reference,
} from './engine.contract.js';

let reference: Reference;

beforeAll(async () => {
  const cpu = await createEngine('cpu');
  reference = await referenceOf(cpu);
  await cpu.dispose();
});

for (const provider of engineProviders) {
  const missing = await provider.missing();
  const title = `engine ${provider.name}${missing ? ` (${missing})` : ''}`;
  describe.skipIf(missing)(title, () => {
    engineContract(
      () => provider.create(),
      () => reference,
    );
  });
}

describe('the choice of an engine', () => {
  it('offers every engine that has a name, in the order of preference', () => {
    expect(engineProviders.map(({ name }) => name)).toEqual(engineNames);
  });

  it('is the same for an experiment', () => {
    const { engine } = experimentFields.shape;
    expect(engine.unwrap().options).toEqual(engineChoices);
  });

  it('takes the first that is present for auto', async () => {
    const problems = await Promise.all(
      engineProviders.map((provider) => provider.missing()),
    );
    const engine = await createEngine('auto');
    expect(engine.name).toBe(engineNames[problems.indexOf(undefined)]);
    await engine.dispose();
  });

  it('refuses one that is missing, with what to do about it', async () => {
    for (const provider of engineProviders) {
      const problem = await provider.missing();
      if (!problem) continue;
      await expect(createEngine(provider.name)).rejects.toMatchObject({
        reason: 'ENGINE_UNAVAILABLE',
        metadata: { engine: provider.name, problem },
      });
    }
  });
});
