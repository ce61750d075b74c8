import { describe, expect, it } from 'vitest';
import type { DataType__Output } from '#proto/rrd/v1/DataType.js';
import { BatchShapeError } from '../errors.js';
import { fromWire, toWire } from './tensor-codec.js';

function wire(
  data: Uint8Array,
  shape: number[],
  dataType: DataType__Output = 'DATA_TYPE_FLOAT32',
) {
  return { dataType, shape, data: Buffer.from(data) };
}

const floats = { field: 'rows', dataType: 'float32' } as const;

describe('fromWire', () => {
  it.each([0, 1, 2, 3])('reads bytes at offset %i', (offset) => {
    const values = Float32Array.of(1.5, -2, NaN, 3e38);
    const buffer = new ArrayBuffer(32);
    const data = Buffer.from(buffer, offset, 16);
    data.set(new Uint8Array(values.buffer));
    const tensor = {
      dataType: 'DATA_TYPE_FLOAT32',
      shape: [2, 2],
      data,
    } as const;
    const read = fromWire({ ...tensor, shape: [2, 2] }, floats);
    expect(read).toEqual({ shape: [2, 2], data: values });
    expect(read.data.byteOffset).toBe(0);
    expect(read.data.buffer.byteLength).toBe(16);
    data.fill(0);
    expect(read.data[0]).toBe(1.5);
  });

  it.each([
    ['float32', Float32Array.of(1, -1)],
    ['int32', Int32Array.of(2 ** 31 - 1, -5)],
    ['uint8', Uint8Array.of(0, 255)],
  ] as const)('is the inverse of toWire for %s', (dataType, data) => {
    const { shape, ...sent } = toWire({ shape: [1, 2], data });
    const received = { ...sent, shape: [...(shape ?? [])] } as ReturnType<
      typeof wire
    >;
    const read = fromWire(received, { field: 'x', dataType, shape: [null, 2] });
    expect(read).toEqual({ shape: [1, 2], data });
  });

  it('sends a part of a larger array as that part', () => {
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    const sent = toWire({ shape: [2], data }).data as Buffer;
    expect([...new Float32Array(Uint8Array.from(sent).buffer)]).toEqual([2, 3]);
  });

  const bytes = new Uint8Array(16);
  it.each([
    ['nothing', null, {}],
    ['too few bytes', wire(bytes.subarray(4), [2, 2]), {}],
    ['too many bytes', wire(bytes, [2, 1]), {}],
    ['another type', wire(bytes, [2, 2], 'DATA_TYPE_INT32'), {}],
    ['no type', wire(bytes, [2, 2], 'DATA_TYPE_UNSPECIFIED'), {}],
    ['another size', wire(bytes, [4, 1]), { shape: [null, 2] }],
    ['another rank', wire(bytes, [4]), { shape: [null, 2] }],
    ['no rows', wire(bytes.subarray(16), [0, 2]), { shape: [null, 2] }],
    ['no elements', wire(bytes.subarray(16), [0]), {}],
    ['absurd sizes', wire(bytes, Array<number>(8).fill(2 ** 32 - 1)), {}],
    ['a thousand dimensions', wire(bytes, Array<number>(1000).fill(1)), {}],
  ])('refuses %s', (_, tensor, over) => {
    expect(() => fromWire(tensor, { ...floats, ...over })).toThrow(
      BatchShapeError,
    );
  });

  it('says what it expected', () => {
    const read = () =>
      fromWire(wire(bytes, [4]), { ...floats, shape: [null, 2] });
    expect(read).toThrow(
      'rows: expected DATA_TYPE_FLOAT32 [n, 2], got DATA_TYPE_FLOAT32 [4]',
    );
  });
});
