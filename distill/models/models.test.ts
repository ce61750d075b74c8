import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { rngFrom } from '../data/rng.js';
import { sizeOf } from '../tensors.js';
import { expectClose, onDevice, randomTensor } from '../testing/numeric.js';
import {
  createNetwork,
  isNetworkName,
  networkNames,
  type NetworkName,
} from './index.js';

/** Parameters and state_dict entries of the reference. */
const zoo: Readonly<Record<NetworkName, readonly [number, number]>> = {
  // For 100 classes.
  resnet8: [83_892, 56],
  resnet14: [181_108, 92],
  resnet20: [278_324, 128],
  resnet32: [472_756, 200],
  resnet44: [667_188, 272],
  resnet56: [861_620, 344],
  resnet110: [1_736_564, 668],
  resnet8x4: [1_233_540, 62],
  resnet32x4: [7_433_860, 206],
  ResNet50: [23_705_252, 320],
  wrn_16_1: [180_916, 82],
  wrn_16_2: [703_284, 83],
  wrn_40_1: [569_780, 226],
  wrn_40_2: [2_255_156, 227],
  vgg8: [3_965_028, 37],
  vgg11: [9_277_284, 58],
  vgg13: [9_462_180, 72],
  vgg16: [14_774_436, 93],
  vgg19: [20_086_692, 114],
  MobileNetV2: [812_836, 320],
  ShuffleV1: [949_258, 296],
  ShuffleV2: [1_355_528, 338],
  // For 1000 classes, as torchvision documents them.
  resnet18: [11_689_512, 122],
  resnet34: [21_797_672, 218],
  resnet50: [25_557_032, 320],
  wide_resnet50_2: [68_883_240, 320],
  resnext50_32x4d: [25_028_904, 320],
  mobilenet_v2: [3_504_872, 314],
  shufflenet_v2_x1_0: [2_278_604, 338],
};
const firstOfImageNet = networkNames.indexOf('resnet18');

describe.each(networkNames)('%s', (name) => {
  const isLarge = networkNames.indexOf(name) >= firstOfImageNet;
  const network = createNetwork(name, isLarge ? 1000 : 100);

  it('has the size of the reference', () => {
    const sizes = Object.values(network.parameters).map((p) => sizeOf(p.shape));
    const entries = sizes.length + Object.keys(network.buffers).length;
    const parameters = sizes.reduce((a, b) => a + b, 0);
    expect([parameters, entries]).toEqual(zoo[name]);
  });
});

describe('initial values', () => {
  it('follow He by fan-out for convolutions, torch for linear layers', () => {
    const drawn = createNetwork('resnet8x4', 10).init(rngFrom(1));
    const { data } = drawn['layer3.0.conv2.weight']!;
    let squares = 0;
    for (const value of data) squares += value ** 2;
    const deviation = Math.sqrt(squares / data.length);
    expect(deviation).toBeCloseTo(Math.sqrt(2 / (256 * 9)), 3);
    const fc = drawn['fc.weight']!.data;
    expect(Math.max(...fc)).toBeCloseTo(1 / 16, 2);
    expect(Math.min(...fc)).toBeCloseTo(-1 / 16, 2);
    expect(drawn['fc.bias']!.data.some((value) => value !== 0)).toBe(true);
  });

  it('have a zero classifier bias in wide networks', () => {
    const drawn = createNetwork('wrn_16_1', 10).init(rngFrom(1));
    expect([...drawn['fc.bias']!.data]).toEqual(new Array(10).fill(0));
  });
});

describe.each(['resnet8', 'resnet8x4', 'wrn_16_1'] as const)('%s', (name) => {
  const network = createNetwork(name, 10);
  const state = onDevice(network.init(rngFrom(2)));
  const images = randomTensor<tf.Tensor4D>([2, 8, 8, 3], 'images');

  it('draws every tensor that it names, in its shape', () => {
    const specs = { ...network.parameters, ...network.buffers };
    expect(Object.keys(state).sort()).toEqual(Object.keys(specs).sort());
    for (const [key, { shape, dtype }] of Object.entries(state)) {
      expect(shape).toEqual(specs[key]!.shape);
      expect(dtype).toBe(specs[key]!.dataType);
    }
  });

  it('returns maps, features and logits of the right shapes', () => {
    const { maps, features, logits } = network.forward(state, images, 'eval');
    const width = network.featureDim;
    expect(maps.map((map) => map.shape.slice(1, 3))).toEqual([
      [8, 8],
      [8, 8],
      [4, 4],
      [2, 2],
    ]);
    expect(maps.at(-1)!.shape[3]).toBe(width);
    expect(features.shape).toEqual([2, width]);
    expect(logits.shape).toEqual([2, 10]);
  });

  it('computes an image alone as in a batch, in eval mode', () => {
    const together = network.forward(state, images, 'eval').logits;
    const first = tf.slice4d(images, [0, 0, 0, 0], [1, 8, 8, 3]);
    const alone = network.forward(state, first, 'eval').logits;
    expectClose(alone, together.dataSync().slice(0, 10), 1e-5);
  });

  it('returns every running statistic in train mode, none in eval', () => {
    const trained = network.forward(state, images, 'train').buffers;
    const names = Object.keys(network.buffers).sort();
    expect(Object.keys(trained).sort()).toEqual(names);
    expect(network.forward(state, images, 'eval').buffers).toEqual({});
  });

  it('leaves nothing behind', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      network.forward(state, images, 'train');
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('isNetworkName', () => {
  it('knows the zoo and nothing else', () => {
    expect(networkNames.every(isNetworkName)).toBe(true);
    expect(['resnet9', '', 'constructor'].some(isNetworkName)).toBe(false);
  });
});

describe.each(['resnet8', 'wrn_16_1', 'vgg8'] as const)('%s', (name) => {
  it('has preactivations that its maps follow from', () => {
    const network = createNetwork(name, 10);
    const state = onDevice(network.init(rngFrom(2)));
    const images = randomTensor<tf.Tensor4D>([2, 8, 8, 3], 'images');
    const { maps, preactivations } = network.forward(state, images, 'eval');
    const before = preactivations();
    expect(before.map(({ shape }) => shape)).toEqual(
      maps.map(({ shape }) => shape),
    );
    if (name === 'wrn_16_1') return; // its maps are not activations
    for (const [i, map] of maps.entries()) {
      expect(tf.relu(before[i]!).dataSync()).toEqual(map.dataSync());
    }
  });
});
