import {
  type HostTensor,
  type NamedHostTensors,
  type NamedSpecs,
  sizeOf,
} from '#distill/tensors.js';

/** Bytes of an element of either data type. */
const elementBytes = 4;

/** The values of `names`, one tensor after the other, without their shapes. */
export function packTensors(
  tensors: NamedHostTensors,
  names: readonly string[],
): Uint8Array<ArrayBuffer> {
  const parts = names.map((name) => tensors[name]!.data);
  const total = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const packed = new Uint8Array(total);
  let start = 0;
  for (const { buffer, byteOffset, byteLength } of parts) {
    packed.set(new Uint8Array(buffer, byteOffset, byteLength), start);
    start += byteLength;
  }
  return packed;
}

/**
 * The tensors that were packed in the order of `specs`; copies.
 * @throws RangeError if there are more or fewer bytes than they have
 */
export function unpackTensors(
  specs: NamedSpecs,
  packed: Uint8Array,
): NamedHostTensors {
  const expected = packedBytes(specs);
  if (packed.byteLength !== expected) {
    throw new RangeError(`${packed.byteLength} bytes, expected ${expected}`);
  }
  const tensors: Record<string, HostTensor> = {};
  let start = 0;
  for (const [name, { shape, dataType }] of Object.entries(specs)) {
    const end = start + sizeOf(shape) * elementBytes;
    const { buffer } = packed.slice(start, end);
    const data =
      dataType === 'int32' ? new Int32Array(buffer) : new Float32Array(buffer);
    tensors[name] = { shape, data };
    start = end;
  }
  return tensors;
}

/** How many bytes the tensors of `specs` take when packed. */
export function packedBytes(specs: NamedSpecs): number {
  const each = Object.values(specs).map(({ shape }) => sizeOf(shape));
  return each.reduce((sum, size) => sum + size, 0) * elementBytes;
}
