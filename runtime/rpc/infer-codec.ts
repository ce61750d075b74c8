import type {
  InferParameter,
  InferParameter__Output,
} from '#proto/inference/InferParameter.js';
import type {
  InferTensorContents,
  InferTensorContents__Output,
} from '#proto/inference/InferTensorContents.js';
import type { Tensor, Tensor__Output } from '#proto/rrd/v1/Tensor.js';
import { BatchShapeError, InvalidRequestError } from '../errors.js';

/**
 * Tensors and parameters of the Open Inference Protocol <-> those of our own
 * contract. Elements are raw bytes, which are passed on as they are, or typed
 * contents, which the protocol does not have for halves.
 */

/** A tensor of the protocol, as either end receives it. */
export interface InferTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly contents: InferTensorContents__Output | null;
}

const dataTypes = {
  FP32: 'DATA_TYPE_FLOAT32',
  UINT8: 'DATA_TYPE_UINT8',
  INT32: 'DATA_TYPE_INT32',
  FP16: 'DATA_TYPE_FLOAT16',
  BF16: 'DATA_TYPE_BFLOAT16',
} as const;

type Datatype = keyof typeof dataTypes;

/**
 * A received tensor as one of ours, not yet checked: `fromWire` does.
 * @param raw its elements, where they are not in the tensor's contents
 * @throws BatchShapeError for a data type that has no counterpart, and for
 *   halves without raw bytes
 */
export function tensorOf(
  { name, datatype, shape, contents }: InferTensor,
  raw: Buffer | undefined,
): Tensor__Output {
  if (!isDatatype(datatype)) {
    const expected = Object.keys(dataTypes).join(', ');
    throw new BatchShapeError({ field: name, expected, actual: datatype });
  }
  const data = raw ?? bytesOf(datatype, contents);
  if (!data) throw halvesAreRaw(name, datatype);
  return { dataType: dataTypes[datatype], shape: [...shape], data };
}

/**
 * Integers [N] of any type that the protocol has for them.
 * @throws BatchShapeError for another type, shape or number of elements
 */
export function integersOf(
  tensor: InferTensor,
  raw: Buffer | undefined,
): number[] {
  const { name: field, datatype, shape } = tensor;
  const values = elementsOf(tensor, raw);
  if (values && shape.length === 1 && shape[0] === values.length) return values;
  throw new BatchShapeError({
    field,
    expected: 'INT32, INT64, UINT32 or UINT64 [n] with n elements',
    actual: `${datatype} [${shape.join(', ')}], ${values?.length ?? 'no'} elements`,
  });
}

function elementsOf(
  { datatype, contents }: InferTensor,
  raw: Buffer | undefined,
): number[] | undefined {
  switch (datatype) {
    case 'INT32':
      if (!raw) return contents?.intContents;
      return integers(raw, 4, (at) => raw.readInt32LE(at));
    case 'UINT32':
      if (!raw) return contents?.uintContents;
      return integers(raw, 4, (at) => raw.readUInt32LE(at));
    case 'INT64':
      if (!raw) return contents?.int64Contents;
      return integers(raw, 8, (at) => Number(raw.readBigInt64LE(at)));
    case 'UINT64':
      if (!raw) return contents?.uint64Contents;
      return integers(raw, 8, (at) => Number(raw.readBigUInt64LE(at)));
    default:
      return undefined;
  }
}

/**
 * A tensor of ours as the protocol's, its elements typed or raw.
 * @throws BatchShapeError for halves that are to be typed
 */
export function inferTensorOf(name: string, tensor: Tensor, typed: boolean) {
  const { dataType, shape, data } = tensor as Tensor & { data: Buffer };
  const datatype = (Object.keys(dataTypes) as Datatype[]).find(
    (known) => dataTypes[known] === dataType,
  )!;
  const contents = typed ? contentsOf(name, datatype, data) : null;
  return {
    tensor: { name, datatype, shape: shape ?? [], contents },
    raw: data,
  };
}

export type Parameters = Readonly<Record<string, InferParameter__Output>>;

/** @throws InvalidRequestError for a parameter that is no text */
export function textParameter(parameters: Parameters, name: string): string {
  const parameter = parameters[name];
  if (!parameter) return '';
  const { stringParam } = parameter;
  if (stringParam !== undefined) return stringParam;
  const value = parameter.parameterChoice ?? 'empty';
  throw new InvalidRequestError({ field: name, value, expected: 'a string' });
}

/** @throws InvalidRequestError for a parameter that is no whole number */
export function integerParameter(
  parameters: Parameters,
  name: string,
): number | undefined {
  const parameter = parameters[name];
  if (!parameter) return undefined;
  const value = parameter.int64Param ?? parameter.uint64Param;
  if (value !== undefined) return value;
  throw new InvalidRequestError({
    field: name,
    value: parameter.parameterChoice ?? 'empty',
    expected: 'an int64 or uint64',
  });
}

export const textOf = (stringParam: string): InferParameter => ({
  stringParam,
});

function isDatatype(datatype: string): datatype is Datatype {
  return datatype in dataTypes;
}

function integers(raw: Buffer, size: number, read: (at: number) => number) {
  const count = raw.length / size;
  if (!Number.isInteger(count)) return undefined;
  return Array.from({ length: count }, (_, i) => read(i * size));
}

function bytesOf(
  datatype: Datatype,
  contents: InferTensorContents__Output | null,
): Buffer | undefined {
  switch (datatype) {
    case 'FP32':
      return bufferOf(Float32Array.from(contents?.fp32Contents ?? []));
    case 'INT32':
      return bufferOf(Int32Array.from(contents?.intContents ?? []));
    case 'UINT8':
      return Buffer.from(contents?.uintContents.map(checkedByte) ?? []);
    case 'FP16':
    case 'BF16':
      return undefined;
  }
}

function contentsOf(
  name: string,
  datatype: Datatype,
  data: Buffer,
): InferTensorContents {
  const { buffer } = new Uint8Array(data); // aligned
  switch (datatype) {
    case 'FP32':
      return { fp32Contents: [...new Float32Array(buffer)] };
    case 'INT32':
      return { intContents: [...new Int32Array(buffer)] };
    case 'UINT8':
      return { uintContents: [...data] };
    case 'FP16':
    case 'BF16':
      throw halvesAreRaw(name, datatype);
  }
}

function halvesAreRaw(field: string, datatype: Datatype) {
  const expected = `raw contents for ${datatype}`;
  return new BatchShapeError({ field, expected, actual: 'typed contents' });
}

function checkedByte(value: number): number {
  if (value <= 255) return value;
  throw new InvalidRequestError({
    ...{ field: 'uint_contents', value, expected: 'UINT8: at most 255' },
  });
}

function bufferOf({ buffer }: Float32Array | Int32Array): Buffer {
  return Buffer.from(buffer);
}
