import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeRows, type Precision } from '#distill/precision.js';
import { connect, type RpcClient } from '#runtime/rpc/client.js';
import { fromWire, toWire, toWireAs } from '#runtime/rpc/tensor-codec.js';
import { toWirePrecision } from '#runtime/rpc/wire-precision.js';
import {
  imageBytes,
  shape,
  startFixture,
  type Fixture,
  type Request,
} from './service.test-fixture.js';

let fixture: Fixture;
let inference: RpcClient<'inference.GRPCInferenceService'>;

beforeAll(async () => {
  fixture = await startFixture();
  inference = connect('inference.GRPCInferenceService', fixture.address);
});

afterAll(async () => {
  inference.close();
  await fixture.close();
});

const images = Uint8Array.from({ length: 3 * imageBytes }, (_, i) => i * 37);
const pixels = toWire({ shape: [3, ...shape], data: images });
const wanted: Request = {
  pixels,
  outputs: ['TEACHER_OUTPUT_MAPS', 'TEACHER_OUTPUT_PREACTIVATIONS'],
  mapIndices: [2, 0],
};

const ask = (precision: Precision, fields: Request = {}) =>
  fixture.extract({
    ...{ ...wanted, mapPrecision: toWirePrecision(precision) },
    ...fields,
  });

/** What the float32 answer has, rounded. */
async function rounded(precision: Precision) {
  const { maps, preactivations } = await fixture.extract(wanted);
  const [first, second] = [maps, preactivations].map((tensors) =>
    tensors.map((tensor) => {
      const { shape, data } = fromWire(tensor, {
        ...{ field: 'map', dataType: 'float32' },
      });
      return toWireAs(precision, { shape, data: encodeRows(data, precision) });
    }),
  );
  return { maps: first!, preactivations: second! };
}

describe.each(['float16', 'bfloat16'] as const)('maps in %s', (precision) => {
  it('are those in float32, rounded once', async () => {
    const expected = await rounded(precision);
    const answer = await ask(precision);
    expect(answer).toMatchObject(expected);
    const values = [...expected.maps, ...expected.preactivations].length;
    expect(values).toBe(4);
  });

  it('are the same ones on a stream', async () => {
    const request = {
      ...{ model: 'small', ...wanted },
      mapPrecision: toWirePrecision(precision),
    };
    async function* requests() {
      yield { request };
    }
    const answers = [];
    for await (const answer of fixture.client.extractStream(requests()))
      answers.push(answer);
    expect(answers[1]!.response).toMatchObject(await rounded(precision));
  });
});

describe('maps of a model whose values are large', () => {
  const loud = { model: 'loud' };

  it('are refused in float16, and fail no batch mate', async () => {
    const [refused, mate] = await Promise.allSettled([
      ask('float16', loud),
      fixture.extract({
        ...{ ...loud, pixels, outputs: ['TEACHER_OUTPUT_FEATURES'] },
      }),
    ]);
    expect(refused).toMatchObject({
      status: 'rejected',
      reason: {
        reason: 'MAP_OVERFLOW',
        metadata: { map: 'maps.2', precision: 'float16' },
      },
    });
    expect(mate.status).toBe('fulfilled');
  });

  it('are answered in bfloat16', async () => {
    const { maps } = await ask('bfloat16', loud);
    expect(maps).toHaveLength(2);
  });
});

describe('a client of KServe', () => {
  const infer = (names: string[], precision?: string, typed = false) => {
    const contents = typed ? { uintContents: [...images] } : null;
    const input = { datatype: 'UINT8', shape: [3, ...shape], contents };
    return inference.modelInfer({
      modelName: 'small',
      ...(precision && {
        parameters: { rrd_map_precision: { stringParam: precision } },
      }),
      inputs: [{ name: 'images', ...input }],
      outputs: names.map((name) => ({ name })),
      rawInputContents: typed ? [] : [Buffer.from(images)],
    });
  };

  it.each([
    [undefined, 'float32', 'FP32'],
    ['float16', 'float16', 'FP16'],
    ['bfloat16', 'bfloat16', 'BF16'],
  ] as const)('gets maps by name, in %s', async (asked, precision, type) => {
    const { outputs, rawOutputContents } = await infer(
      ['preactivations.0', 'logits', 'maps.2'],
      asked,
    );
    const { maps, preactivations } = await rounded(precision);
    const at = (name: string) => outputs.findIndex((o) => o.name === name);
    for (const [name, tensor] of [
      ['maps.2', maps[0]!],
      ['preactivations.0', preactivations[1]!],
    ] as const) {
      const { datatype, shape } = outputs[at(name)]!;
      expect({ datatype, shape }).toEqual({
        ...{ datatype: type, shape: tensor.shape },
      });
      expect(rawOutputContents[at(name)]).toEqual(tensor.data);
    }
    expect(outputs).toHaveLength(3);
    expect(outputs[at('logits')]!.datatype).toBe('FP32');
  });

  it.each([
    ['typed halves', ['maps.2'], 'float16', true, 'rrd_map_precision'],
    ['an unknown precision', ['maps.2'], 'int8', false, 'rrd_map_precision'],
    ['a precision of no maps', ['logits'], 'float16', false, 'map_precision'],
    ['a map without a number', ['maps.last'], undefined, false, 'outputs'],
    ['a map that is not there', ['maps.4'], undefined, false, 'map_indices'],
  ])('is refused %s', async (_what, names, precision, typed, field) => {
    await expect(infer(names, precision, typed)).rejects.toMatchObject({
      ...{ reason: 'INVALID_REQUEST', metadata: { field } },
    });
  });
});
