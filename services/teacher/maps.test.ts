import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createForwardProgram } from '#distill/forward-program.js';
import { normalize } from '#distill/data/normalize.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import { createEngine } from '#runtime/compute/index.js';
import { toWire } from '#runtime/rpc/tensor-codec.js';
import { checkMaps } from './routes/maps.js';
import {
  network,
  normalization,
  shape,
  startFixture,
  weights,
  type Fixture,
} from './service.test-fixture.js';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture({ cache: { memoryBytes: 2 ** 20 } });
});

afterAll(() => fixture.close());

/** What the maths says of stored images, with no service around it. */
async function mapsOf(indices: number[]): Promise<NamedHostTensors> {
  const stored = await fixture.dataset.split('train').images(indices);
  const engine = await createEngine('cpu');
  const count = indices.length;
  const program = createForwardProgram(network, shape, count, {
    wanted: () => true,
  });
  const executable = await engine.compile(program, weights);
  const data = normalize(new Uint8Array(stored), normalization);
  return executable.run({ images: { shape: [count, ...shape], data } });
}

const ask = (indices: number[], fields: object) =>
  fixture.extract({
    refs: fixture.refs(indices, { augmentation: 'AUGMENTATION_NONE' }),
    ...fields,
  });

describe("a teacher's maps", () => {
  it('have the shapes that Describe tells when asked', async () => {
    const model = 'small';
    const { mapShapes } = await fixture.client.describe({ model });
    expect(mapShapes).toEqual([]);
    const asked = await fixture.client.describe({ model, mapShapes: true });
    const outputs = await mapsOf([0]);
    const shapes = [0, 1, 2, 3].map((i) => outputs[`maps.${i}`]!.shape);
    expect(
      asked.mapShapes.map(({ height, width, channels }) => [
        ...[1, height, width, channels],
      ]),
    ).toEqual(shapes);
  });

  it('are those of the maths, only what was asked, in that order', async () => {
    const indices = [3, 0, 3];
    const outputs = await mapsOf(indices);
    const both = ['TEACHER_OUTPUT_PREACTIVATIONS', 'TEACHER_OUTPUT_MAPS'];
    // A second request shares the batch, and wants no maps.
    const [answer, plain] = await Promise.all([
      ask(indices, {
        outputs: [...both, 'TEACHER_OUTPUT_LOGITS'],
        mapIndices: [3, 1],
      }),
      ask(indices, { outputs: ['TEACHER_OUTPUT_LOGITS'] }),
    ]);
    const wire = (name: string) => toWire(outputs[name]!);
    expect(answer.maps).toEqual([wire('maps.3'), wire('maps.1')]);
    expect(answer.preactivations).toEqual([
      wire('preactivations.3'),
      wire('preactivations.1'),
    ]);
    expect(answer.logits).toEqual(toWire(outputs['logits']!));
    expect(answer.features).toBeNull();
    expect(plain).toMatchObject({ maps: [], logits: answer.logits });
  });

  it('travel whatever sets of them are asked for in turn', async () => {
    const outputs = await mapsOf([5]);
    for (const index of [0, 1, 2, 3, 0]) {
      const wanted = { outputs: ['TEACHER_OUTPUT_MAPS'], mapIndices: [index] };
      const { maps } = await ask([5], wanted);
      expect(maps).toEqual([toWire(outputs[`maps.${index}`]!)]);
    }
  });

  it.each([
    ['no indices', { outputs: ['TEACHER_OUTPUT_MAPS'] }],
    [
      'indices without maps',
      { outputs: ['TEACHER_OUTPUT_LOGITS'], mapIndices: [1] },
    ],
    [
      'a map that is not there',
      { outputs: ['TEACHER_OUTPUT_MAPS'], mapIndices: [4] },
    ],
  ])('are refused with %s', async (_what, fields) => {
    const error = { reason: 'INVALID_REQUEST', message: /map_indices/ };
    await expect(ask([0], fields)).rejects.toMatchObject({
      ...error,
      message: expect.stringMatching(error.message) as string,
    });
  });

  it('are refused, with what would fit, where no message holds them', async () => {
    const model = { mapShapes: async () => [[112, 112, 64] as const] };
    const outputs = new Set(['maps.0'] as const);
    // 60 MiB for maps of 3211264 bytes each.
    await checkMaps({ outputs, count: 19 }, model);
    await expect(checkMaps({ outputs, count: 20 }, model)).rejects.toThrow(
      /samples.*20.*at most 19/,
    );
    const halves = { outputs, mapPrecision: 'float16' } as const;
    await checkMaps({ ...halves, count: 39 }, model);
    await expect(checkMaps({ ...halves, count: 40 }, model)).rejects.toThrow(
      /samples.*40.*at most 39/,
    );
  });
});
