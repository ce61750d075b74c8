import { endianness } from 'node:os';
import { BatchShapeError } from '../errors.js';
import type { DataType__Output } from '#proto/rrd/v1/DataType.js';
import type { Tensor, Tensor__Output } from '#proto/rrd/v1/Tensor.js';

/**
 * The one place that turns wire tensors into arrays and back. The bytes of a
 * received message may start anywhere in its buffer, so they are copied: the
 * array is aligned, owns its memory, and may be kept or transferred.
 */

interface ArrayByType {
  float32: Float32Array<ArrayBuffer>;
  int32: Int32Array<ArrayBuffer>;
  uint8: Uint8Array<ArrayBuffer>;
  /** Bits of halves: see distill/precision.ts. */
  float16: Uint16Array<ArrayBuffer>;
  bfloat16: Uint16Array<ArrayBuffer>;
}

/** The element types that travel. */
export type WireDataType = keyof ArrayByType;

/** A dense row-major array with its shape. */
export interface WireTensor<T extends WireDataType = WireDataType> {
  readonly shape: readonly number[];
  readonly data: ArrayByType[T];
}

export interface Expected<T extends WireDataType> {
  /** The request field, for the error. */
  field: string;
  dataType: T;
  /** Every dimension, or null for any size from 1 on; omitted: any shape. */
  shape?: readonly (number | null)[];
}

const arrays = {
  float32: Float32Array,
  int32: Int32Array,
  uint8: Uint8Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
} as const;

/** What the contract calls them. */
export const wireNames = {
  float32: 'DATA_TYPE_FLOAT32',
  int32: 'DATA_TYPE_INT32',
  uint8: 'DATA_TYPE_UINT8',
  float16: 'DATA_TYPE_FLOAT16',
  bfloat16: 'DATA_TYPE_BFLOAT16',
} as const satisfies Record<WireDataType, DataType__Output>;

const maxDimensions = 8;

/**
 * A wire tensor over the very memory of `tensor`; nothing is copied until the
 * call that sends it has serialised it, which it does before it returns.
 */
export function toWire(tensor: {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}): Tensor {
  return toWireAs(dataTypeOf(tensor.data), tensor);
}

/** Likewise of a data type that the array does not tell. */
export function toWireAs(
  dataType: WireDataType,
  tensor: {
    readonly shape: readonly number[];
    readonly data: Float32Array | Int32Array | Uint8Array | Uint16Array;
  },
): Tensor {
  requireLittleEndian();
  const { data, shape } = tensor;
  return {
    dataType: wireNames[dataType],
    shape: [...shape],
    data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  };
}

/** The array of a received tensor. Throws `BatchShapeError` on any mismatch. */
export function fromWire<T extends WireDataType>(
  tensor: Tensor__Output | null | undefined,
  expected: Expected<T>,
): WireTensor<T> {
  requireLittleEndian();
  const { field, dataType } = expected;
  if (!tensor) throw mismatch(field, describe(expected), 'nothing');
  const { shape, data } = tensor;
  if (tensor.dataType !== wireNames[dataType] || !fits(shape, expected.shape)) {
    throw mismatch(
      field,
      describe(expected),
      `${tensor.dataType} ${describeShape(shape)}`,
    );
  }
  const ArrayType = arrays[dataType];
  const expectedBytes =
    shape.reduce((size, dimension) => size * dimension, 1) *
    ArrayType.BYTES_PER_ELEMENT;
  if (data.byteLength !== expectedBytes) {
    throw mismatch(
      field,
      `${expectedBytes} bytes for ${describeShape(shape)}`,
      `${data.byteLength} bytes`,
    );
  }
  const bytes = new Uint8Array(data.byteLength);
  bytes.set(data);
  return { shape, data: new ArrayType(bytes.buffer) as ArrayByType[T] };
}

function dataTypeOf(
  data: Float32Array | Int32Array | Uint8Array,
): WireDataType {
  if (data instanceof Float32Array) return 'float32';
  return data instanceof Int32Array ? 'int32' : 'uint8';
}

function fits(
  shape: readonly number[],
  expected: readonly (number | null)[] | undefined,
): boolean {
  if (shape.length > maxDimensions) return false;
  if (expected === undefined) return shape.every((size) => size > 0);
  return (
    shape.length === expected.length &&
    shape.every((size, axis) =>
      expected[axis] === null ? size > 0 : size === expected[axis],
    )
  );
}

function describe({ dataType, shape }: Expected<WireDataType>): string {
  const dimensions = shape?.map((size) => size ?? 'n').join(', ') ?? '...';
  return `${wireNames[dataType]} [${dimensions}]`;
}

function describeShape(shape: readonly number[]): string {
  const more = shape.length > maxDimensions ? ', ...' : '';
  return `[${shape.slice(0, maxDimensions).join(', ')}${more}]`;
}

function mismatch(field: string, expected: string, actual: string) {
  return new BatchShapeError({ field, expected, actual });
}

/** The wire is little-endian, and typed arrays have the host's byte order. */
function requireLittleEndian(): void {
  if (endianness() !== 'LE') throw new Error('a little-endian host is needed');
}
