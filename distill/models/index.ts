import { bottleneckResnet } from './bottleneck-resnet.js';
import type { Network, NetworkFactory } from './network.js';
import { resnet } from './resnet.js';
import { vgg } from './vgg.js';
import { wrn } from './wrn.js';

const narrow = [16, 16, 32, 64] as const;
const wide = [32, 64, 128, 256] as const;

/** The networks of the reference, by its names. */
const factories = {
  resnet8: resnet('resnet8', 8, narrow),
  resnet14: resnet('resnet14', 14, narrow),
  resnet20: resnet('resnet20', 20, narrow),
  resnet32: resnet('resnet32', 32, narrow),
  resnet44: resnet('resnet44', 44, narrow),
  resnet56: resnet('resnet56', 56, narrow),
  resnet110: resnet('resnet110', 110, narrow),
  resnet8x4: resnet('resnet8x4', 8, wide),
  resnet32x4: resnet('resnet32x4', 32, wide),
  ResNet50: bottleneckResnet('ResNet50', [3, 4, 6, 3]),
  wrn_16_1: wrn('wrn_16_1', 16, 1),
  wrn_16_2: wrn('wrn_16_2', 16, 2),
  wrn_40_1: wrn('wrn_40_1', 40, 1),
  wrn_40_2: wrn('wrn_40_2', 40, 2),
  vgg8: vgg('vgg8', [1, 1, 1, 1, 1]),
  vgg11: vgg('vgg11', [1, 1, 2, 2, 2]),
  vgg13: vgg('vgg13', [2, 2, 2, 2, 2]),
  vgg16: vgg('vgg16', [2, 2, 3, 3, 3]),
  vgg19: vgg('vgg19', [2, 2, 4, 4, 4]),
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
