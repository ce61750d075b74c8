import type { Conv2DAttrs } from '@tensorflow/tfjs-core';
import { lowering, type LoweringTable } from '../lowering.js';
import { materialize } from '../view.js';
import { convolve } from './convolve.js';
import { filterGradients } from './filter-gradient.js';
import { geometryOf, withoutPadding } from './geometry.js';
import { groupedConvolutions } from './grouped.js';
import { inputGradients } from './input-gradient.js';

export const convolutions: LoweringTable = {
  /** y = x * filter; x [N, H, W, I], filter [h, w, I, O], y [N, H', W', O] */
  Conv2D: lowering<'x' | 'filter', Conv2DAttrs>(
    (graph, { x, filter }, attributes) => {
      const geometry = geometryOf(x.shape, filter.shape, attributes);
      const [image, smaller] = withoutPadding(graph, x, geometry);
      const weights = materialize(graph, filter, [3, 2, 0, 1]); // [O, I, h, w]
      return convolve(graph, image, weights, smaller);
    },
  ),
  ...inputGradients,
  ...filterGradients,
  ...groupedConvolutions,
};
