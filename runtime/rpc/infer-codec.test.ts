import { describe, expect, it } from 'vitest';
import { contract, type AnyMethod } from './contract.js';
import {
  inferTensorOf,
  integerParameter,
  integersOf,
  tensorOf,
  textParameter,
  type InferTensor,
} from './infer-codec.js';
import { fromWire, toWire, toWireAs } from './tensor-codec.js';

/** As a server receives it: through the very bytes of a request. */
function received(tensor: object): InferTensor {
  const service = contract()['inference.GRPCInferenceService'] as unknown;
  const { ModelInfer } = service as { ModelInfer: AnyMethod };
  const bytes = ModelInfer.requestSerialize({ inputs: [tensor] });
  const request = ModelInfer.requestDeserialize(bytes);
  return (request as { inputs: InferTensor[] }).inputs[0]!;
}

describe('tensors of the Open Inference Protocol', () => {
  it.each([
    { shape: [2, 2], data: Float32Array.of(1, -0.5, 3e-20, 7) },
    { shape: [3], data: Int32Array.of(-1, 0, 2 ** 31 - 1) },
    { shape: [1, 2], data: Uint8Array.of(0, 255) },
  ])('come back as they went, typed and raw: $data', (tensor) => {
    for (const typed of [true, false]) {
      const sent = inferTensorOf('t', toWire(tensor), typed);
      const raw = typed ? undefined : sent.raw;
      const back = tensorOf(received(sent.tensor), raw);
      const dataTypes = ['float32', 'int32', 'uint8'] as const;
      const read = dataTypes.map((dataType) => {
        try {
          return fromWire(back, { field: 't', dataType });
        } catch {
          return undefined;
        }
      });
      expect(read.find(Boolean)).toEqual(tensor);
    }
  });

  it.each([
    ['float16', 'FP16'],
    ['bfloat16', 'BF16'],
  ] as const)('of %s are raw only', (dataType, datatype) => {
    const shape = [2];
    const data = Uint16Array.of(0x3c00, 0xffff);
    const tensor = toWireAs(dataType, { shape, data });
    const sent = inferTensorOf('t', tensor, false);
    expect(sent.tensor.datatype).toBe(datatype);
    const back = tensorOf(received(sent.tensor), sent.raw);
    expect(fromWire(back, { field: 't', dataType })).toEqual({ shape, data });
    expect(() => inferTensorOf('t', tensor, true)).toThrow(/raw/);
    const typed = received(sent.tensor);
    expect(() => tensorOf(typed, undefined)).toThrow(/raw/);
  });

  it('of a type or of values that we do not take are refused', () => {
    const double = received({ name: 't', datatype: 'FP64', shape: [1] });
    expect(() => tensorOf(double, Buffer.alloc(8))).toThrow(/FP64/);
    const contents = { uintContents: [256] };
    const large = { name: 't', datatype: 'UINT8', shape: [1], contents };
    expect(() => tensorOf(received(large), undefined)).toThrow(/256/);
  });
});

describe('indices', () => {
  const raw = Buffer.alloc(16);
  raw.writeBigInt64LE(5n, 0);
  raw.writeBigInt64LE(-1n, 8);

  it.each([
    ['INT64', raw, {}],
    ['INT64', undefined, { int64Contents: [5, -1] }],
    ['INT32', undefined, { intContents: [5, -1] }],
    ['INT32', Buffer.from(Int32Array.of(5, -1).buffer), {}],
  ])('are whole numbers of any type: %s', (datatype, bytes, contents) => {
    const tensor = { name: 'indices', datatype, shape: [2], contents };
    expect(integersOf(received(tensor), bytes)).toEqual([5, -1]);
  });

  it.each([
    ['FP32', [2], Buffer.alloc(8)],
    ['INT64', [3], raw],
    ['INT64', [1, 2], raw],
    ['INT64', [2], raw.subarray(1)],
    ['INT64', [2], undefined],
  ])('of %s %j must be as many as they say', (datatype, shape, bytes) => {
    const tensor = received({ name: 'indices', datatype, shape });
    expect(() => integersOf(tensor, bytes)).toThrow(/indices/);
  });
});

describe('parameters', () => {
  const parameters = {
    text: { stringParam: 'a', parameterChoice: 'stringParam' as const },
    number: { int64Param: 7, parameterChoice: 'int64Param' as const },
  };

  it('are there, missing, or of the wrong type', () => {
    expect(textParameter(parameters, 'text')).toBe('a');
    expect(textParameter(parameters, 'none')).toBe('');
    expect(integerParameter(parameters, 'number')).toBe(7);
    expect(integerParameter(parameters, 'none')).toBeUndefined();
    expect(() => textParameter(parameters, 'number')).toThrow(/int64Param/);
    expect(() => integerParameter(parameters, 'text')).toThrow(/stringParam/);
  });
});
