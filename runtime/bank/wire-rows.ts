import {
  decodeRows,
  type Precision,
  precisions,
  type StoredRows,
} from '#distill/precision.js';
import type { DataType, DataType__Output } from '#proto/rrd/v1/DataType.js';
import type { Tensor, Tensor__Output } from '#proto/rrd/v1/Tensor.js';
import { InvalidRequestError } from '../errors.js';
import { fromWire, toWireAs, wireNames } from '../rpc/tensor-codec.js';

/** Rows of a queue as they travel: as the queue holds them. */

/** @param rows [n, featDim] */
export function toWireRows(
  rows: StoredRows,
  { featDim, precision }: { featDim: number; precision: Precision },
): Tensor {
  const shape = [rows.length / featDim, featDim];
  return toWireAs(precision, { shape, data: rows });
}

/**
 * The values of received rows [n, featDim].
 * @throws BatchShapeError
 */
export function fromWireRows(
  tensor: Tensor__Output | null | undefined,
  expected: { field: string; featDim: number; precision: Precision },
): Float32Array {
  const { field, featDim, precision } = expected;
  const shape = [null, featDim];
  const { data } = fromWire(tensor, { field, dataType: precision, shape });
  return decodeRows(data, precision);
}

/** How the contract calls the precision of a queue. */
export function toWirePrecision(precision: Precision): DataType__Output {
  return wireNames[precision];
}

/** @throws InvalidRequestError */
export function fromWirePrecision(wire: DataType | undefined): Precision {
  if (wire === undefined || wire === 'DATA_TYPE_UNSPECIFIED') return 'float32';
  for (const precision of precisions)
    if (wireNames[precision] === wire) return precision;
  const expected = precisions.map(toWirePrecision).join(' or ');
  const field = 'spec.precision';
  throw new InvalidRequestError({ field, value: wire, expected });
}
