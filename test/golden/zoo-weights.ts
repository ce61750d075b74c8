import type { Network } from '#distill/models/network.js';
import {
  sizeOf,
  type HostTensor,
  type NamedHostTensors,
} from '#distill/tensors.js';

/** FNV-1a, 32 bits, over the text's UTF-8 bytes. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash >>> 0;
}

/** Tommy Ettinger's mulberry32, in [0, 1). */
export function uniforms(name: string, salt: string): () => number {
  let state = fnv1a(salt + name);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How a tensor's values follow from uniform draws: see the golden README. */
function valueRule(name: string, shape: readonly number[]) {
  if (shape.length > 1) {
    const bound = Math.sqrt(6 / sizeOf(shape.slice(1))) * 0.7;
    return (u: number) => (2 * u - 1) * bound;
  }
  const isScale = /\.(running_var|weight)$/.test(name);
  return isScale ? (u: number) => 0.5 + u : (u: number) => (u - 0.5) * 0.2;
}

function fill(
  name: string,
  shape: readonly number[],
  salt: string,
  rule: (u: number) => number,
): HostTensor {
  const next = uniforms(name, salt);
  const data = Float32Array.from({ length: sizeOf(shape) }, () => rule(next()));
  return { shape, data };
}

/** Every tensor of a network by the zoo's formula. */
export function zooState(network: Network, salt: string): NamedHostTensors {
  const specs = { ...network.parameters, ...network.buffers };
  const entries = Object.entries(specs).map(([name, { shape, dataType }]) => [
    name,
    dataType === 'int32'
      ? { shape, data: new Int32Array(sizeOf(shape)) }
      : fill(name, shape, salt, valueRule(name, shape)),
  ]);
  return Object.fromEntries(entries) as NamedHostTensors;
}

/** The zoo's batch of images, [4, 3, 32, 32] in torch's layout. */
export function zooImages(salt: string): HostTensor {
  return fill('__input__', [4, 3, 32, 32], salt, (u) => (2 * u - 1) * 1.7);
}
