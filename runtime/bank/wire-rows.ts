import {
  decodeRows,
  type Precision,
  type StoredRows,
} from '#distill/precision.js';
import type { Tensor, Tensor__Output } from '#proto/rrd/v1/Tensor.js';
import { fromWire, toWireAs } from '../rpc/tensor-codec.js';

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
