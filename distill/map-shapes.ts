import * as tf from '@tensorflow/tfjs-core';
import type { ImageShape } from './data/dataset.js';
import type { MapShape } from './methods/method.js';
import type { Network } from './models/network.js';

/** Shapes of a network's maps for images of a size: one forward pass of zeros. */
export function mapShapesOf(
  network: Network,
  imageShape: ImageShape,
): MapShape[] {
  const shapes: MapShape[] = [];
  tf.tidy(() => {
    const specs = Object.entries({ ...network.parameters, ...network.buffers });
    const zeros = specs.map(([name, { shape, dataType }]) => {
      return [name, tf.zeros([...shape], dataType)] as const;
    });
    const image = tf.zeros<tf.Rank.R4>([1, ...imageShape]);
    const { maps } = network.forward(Object.fromEntries(zeros), image, 'eval');
    for (const { shape } of maps) shapes.push([shape[1], shape[2], shape[3]]);
  });
  return shapes;
}
