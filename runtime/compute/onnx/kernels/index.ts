import type { LoweringTable } from '../lowering.js';
import { arithmetic } from './arithmetic.js';
import { convolutions } from './convolution.js';
import { matrixProducts } from './matmul.js';
import { normalizations } from './normalization.js';
import { poolings } from './pooling.js';
import { reductions } from './reductions.js';
import { shapes } from './shapes.js';

/** Every kernel of TensorFlow.js that can be compiled. */
export const lowerings: LoweringTable = {
  ...arithmetic,
  ...reductions,
  ...shapes,
  ...matrixProducts,
  ...convolutions,
  ...normalizations,
  ...poolings,
};
