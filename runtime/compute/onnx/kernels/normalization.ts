import { nchw } from '../blocked.js';
import { epsilon } from '../fold-batch-norm.js';
import { lowering, type LoweringTable } from '../lowering.js';
import { materialize, viewOf } from '../view.js';

export const normalizations: LoweringTable = {
  /** Batch norm with given statistics, see distill/ops/batch-norm.ts. */
  BatchNormGiven: lowering<'x' | 'weight' | 'bias' | 'mean' | 'variance'>(
    (graph, { x, weight, bias, mean, variance }) => {
      const vectors = [weight, bias, mean, variance];
      const name = graph.add(
        'BatchNormalization',
        [
          materialize(graph, x, nchw),
          ...vectors.map((vector) => materialize(graph, vector)),
        ],
        { attributes: { epsilon: { float: epsilon } } },
      );
      return [viewOf(name, x.type, x.shape, nchw)];
    },
  ),
};
