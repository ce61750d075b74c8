import { deepResnet } from './deep-resnet.js';
import { mobileHalf, mobileNetV2 } from './mobilenet.js';
import type { Network, NetworkFactory } from './network.js';
import { resnet } from './resnet.js';
import { shuffleNetV1 } from './shufflenet-v1.js';
import { shuffleNetV2, shuffleNetV2x1 } from './shufflenet-v2.js';
import { vgg } from './vgg.js';
import { wrn } from './wrn.js';

const narrow = [16, 16, 32, 64] as const;
const wide = [32, 64, 128, 256] as const;
const small = {
  stem: 'small',
  shortcut: 'shortcut',
  classifier: 'linear',
} as const;
const large = {
  stem: 'large',
  shortcut: 'downsample',
  classifier: 'fc',
} as const;
const basic = { ...large, block: 'basic' } as const;
const bottleneck = { ...large, block: 'bottleneck' } as const;

const factories = {
  // For 32 x 32 images: those of the reference, by its names.
  resnet8: resnet('resnet8', 8, narrow),
  resnet14: resnet('resnet14', 14, narrow),
  resnet20: resnet('resnet20', 20, narrow),
  resnet32: resnet('resnet32', 32, narrow),
  resnet44: resnet('resnet44', 44, narrow),
  resnet56: resnet('resnet56', 56, narrow),
  resnet110: resnet('resnet110', 110, narrow),
  resnet8x4: resnet('resnet8x4', 8, wide),
  resnet32x4: resnet('resnet32x4', 32, wide),
  ResNet50: deepResnet('ResNet50', {
    ...{ ...small, block: 'bottleneck', depths: [3, 4, 6, 3] },
  }),
  wrn_16_1: wrn('wrn_16_1', 16, 1),
  wrn_16_2: wrn('wrn_16_2', 16, 2),
  wrn_40_1: wrn('wrn_40_1', 40, 1),
  wrn_40_2: wrn('wrn_40_2', 40, 2),
  vgg8: vgg('vgg8', [1, 1, 1, 1, 1]),
  vgg11: vgg('vgg11', [1, 1, 2, 2, 2]),
  vgg13: vgg('vgg13', [2, 2, 2, 2, 2]),
  vgg16: vgg('vgg16', [2, 2, 3, 3, 3]),
  vgg19: vgg('vgg19', [2, 2, 4, 4, 4]),
  MobileNetV2: mobileHalf,
  ShuffleV1: shuffleNetV1,
  ShuffleV2: shuffleNetV2,
  // For 224 x 224 images: torchvision's, by its names.
  resnet18: deepResnet('resnet18', { ...basic, depths: [2, 2, 2, 2] }),
  resnet34: deepResnet('resnet34', { ...basic, depths: [3, 4, 6, 3] }),
  resnet50: deepResnet('resnet50', { ...bottleneck, depths: [3, 4, 6, 3] }),
  wide_resnet50_2: deepResnet('wide_resnet50_2', {
    ...{ ...bottleneck, depths: [3, 4, 6, 3], groupWidth: 128 },
  }),
  resnext50_32x4d: deepResnet('resnext50_32x4d', {
    ...{ ...bottleneck, depths: [3, 4, 6, 3], groups: 32, groupWidth: 4 },
  }),
  mobilenet_v2: mobileNetV2,
  shufflenet_v2_x1_0: shuffleNetV2x1,
} satisfies Record<string, NetworkFactory>;

export type NetworkName = keyof typeof factories;

export const networkNames = Object.keys(factories) as [
  NetworkName,
  ...NetworkName[],
];

/** Narrows a name that comes from outside. */
export function isNetworkName(name: string): name is NetworkName {
  return Object.hasOwn(factories, name);
}

export function createNetwork(name: NetworkName, classCount: number): Network {
  return factories[name](classCount);
}
