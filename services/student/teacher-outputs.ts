import { isMapName, partsOf } from '#distill/map-names.js';
import type { MapShape, TeacherTensor } from '#distill/methods/method.js';
import { bytesPerValue, type Precision } from '#distill/precision.js';
import { sizeOf, type HostTensor } from '#distill/tensors.js';
import { samplesPerMessage } from '#runtime/rpc/message-size.js';
import type { BatchRef, TeacherOutputs } from './trainer-api.js';

/**
 * The batch in parts whose maps fit into a message each: mostly itself.
 * @param mapShapes of all the teacher's maps
 * @param precision in which they travel
 */
export function partsThatFit(
  batch: BatchRef,
  outputs: ReadonlySet<TeacherTensor>,
  mapShapes: readonly MapShape[],
  precision: Precision,
): BatchRef[] {
  const names = [...outputs].filter(isMapName);
  const sizes = names.map((name) => sizeOf(mapShapes[partsOf(name).index]!));
  const { indices } = batch;
  // A single sample that does not fit is the teacher's to refuse.
  const fitting = Math.max(
    1,
    samplesPerMessage(sizes, bytesPerValue(precision)),
  );
  const count = Math.min(fitting, indices.length);
  const parts = Math.ceil(indices.length / count);
  return Array.from({ length: parts }, (_, i) => ({
    ...batch,
    indices: indices.slice(i * count, (i + 1) * count),
  }));
}

/** One batch of what its parts gave, in their order. */
export function joinOutputs(parts: readonly TeacherOutputs[]): TeacherOutputs {
  const [first, ...others] = parts;
  if (!first || others.length === 0) return first ?? {};
  const outputs = Object.keys(first) as (keyof TeacherOutputs)[];
  return Object.fromEntries(
    outputs.map((output) => [output, stack(parts.map((p) => p[output]!))]),
  );
}

/** Float tensors [n, ...] one after the other. */
function stack(tensors: readonly HostTensor[]): HostTensor {
  const [, ...width] = tensors[0]!.shape;
  const count = tensors.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const shape = [count, ...width];
  const data = new Float32Array(sizeOf(shape));
  let start = 0;
  for (const tensor of tensors) {
    data.set(tensor.data, start);
    start += tensor.data.length;
  }
  return { shape, data };
}
