import { type Precision, precisions } from '#distill/precision.js';
import type { DataType, DataType__Output } from '#proto/rrd/v1/DataType.js';
import { InvalidRequestError } from '../errors.js';
import { wireNames } from './tensor-codec.js';

/** How the contract calls a precision. */
export function toWirePrecision(precision: Precision): DataType__Output {
  return wireNames[precision];
}

/**
 * float32 unless it says otherwise.
 * @param field of the request, for the error
 * @throws InvalidRequestError
 */
export function fromWirePrecision(
  wire: DataType | undefined,
  field = 'spec.precision',
): Precision {
  if (wire === undefined || wire === 'DATA_TYPE_UNSPECIFIED') return 'float32';
  for (const precision of precisions)
    if (wireNames[precision] === wire) return precision;
  const expected = precisions.map(toWirePrecision).join(' or ');
  throw new InvalidRequestError({ field, value: wire, expected });
}
