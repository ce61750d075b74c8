import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { NamedSpecs } from '../tensors.js';
import { createNetwork, type NetworkName } from './index.js';

/**
 * The reference networks' state_dicts for 100 classes, made in PyTorch: the
 * first 16 hex digits of SHA-256 over the sorted lines
 * `param | buffer NAME [SHAPE]`, e.g. `param fc.weight [100,64]`.
 */
const digests = {
  resnet8: 'eb5c46582f026cb0',
  resnet14: '7fa73cc9df3e4f5b',
  resnet20: '9172e90a12e79252',
  resnet32: '80a80ccfa7e06383',
  resnet44: '0e59889a649c8c1c',
  resnet56: '2dbb653fa3efe0be',
  resnet110: 'e05cde908caac9c9',
  resnet8x4: '1fd2483c6013e071',
  resnet32x4: '8be7705ab5af32e1',
  ResNet50: '70b70e2d59ac3ecb',
  wrn_16_1: 'e1162e763600fad4',
  wrn_16_2: '9bba721f4b9def9b',
  wrn_40_1: 'f50949eb16aa91c9',
  wrn_40_2: 'be53aa1b5aa06ac5',
  vgg8: 'f33808ef92787ff2',
  vgg11: 'cba20bd76a96b2ec',
  vgg13: 'df0e89b6faf5a08d',
  vgg16: '90befa4fbc22f0ee',
  vgg19: 'b7d2f96d7fdb6ec2',
  MobileNetV2: 'dc53362488475b80',
  ShuffleV1: 'ac9238bf4748bc0b',
  ShuffleV2: '1559dcecf2873e66',
} satisfies Partial<Record<NetworkName, string>>;

describe.each(Object.entries(digests))('%s', (name, digest) => {
  it('names and shapes every tensor as the reference does', () => {
    const network = createNetwork(name as NetworkName, 100);
    const lines = [
      ...linesOf('param', network.parameters),
      ...linesOf('buffer', network.buffers),
    ].sort();
    const found = createHash('sha256').update(lines.join('\n')).digest('hex');
    expect(found.slice(0, 16), lines.join('\n')).toBe(digest);
  });
});

function linesOf(kind: string, specs: NamedSpecs): string[] {
  return Object.entries(specs).map(
    ([name, { shape }]) => `${kind} ${name} [${shape.join()}]`,
  );
}
