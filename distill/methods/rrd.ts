import { z } from 'zod';
import { relational } from '../losses/relational.js';
import { l2Normalize } from '../ops/l2-normalize.js';
import { linear } from '../ops/linear.js';
import { initLinear } from '../projection.js';
import { presets, type Temperatures } from '../temperature.js';
import { weight, type EnqueueOrder, type Method } from './method.js';

/** What naming a preset settles. */
const implied: Record<
  keyof typeof presets,
  Temperatures & { readonly enqueue?: EnqueueOrder }
> = { ...presets, v2024: { ...presets.v2024, enqueue: 'after' } };

const params = z
  .strictObject({
    /** beta of the paper */
    weight,
    /** Settles both temperatures; without it, both must be given. */
    preset: z.enum(['paper', 'v2024', 'cli']).optional(),
    studentTemperature: z.number().positive().optional(),
    teacherTemperature: z.number().positive().optional(),
    /** Default `before`, but `after` with the preset v2024. */
    enqueue: z.enum(['before', 'after']).optional(),
  })
  .superRefine((value, context) => {
    const named = value.preset && implied[value.preset];
    const refuse = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message });
    for (const field of ['studentTemperature', 'teacherTemperature'] as const) {
      if (!named && value[field] === undefined)
        refuse(field, 'a positive number, or a preset that names it');
    }
    for (const [field, expected] of Object.entries(named ?? {})) {
      const own = value[field as keyof Temperatures];
      if (own !== undefined && own !== expected)
        refuse(field, `${expected}, as the preset ${value.preset} says`);
    }
  })
  .transform((value) => {
    const settled = { ...value, ...(value.preset && implied[value.preset]) };
    const { enqueue = 'before' } = settled;
    return { ...(settled as typeof settled & Temperatures), enqueue };
  });

/**
 * Relational Representation Distillation (arXiv 2407.12073). The student gets
 * a linear head onto the embeddings' width; the teacher's side is a fixed
 * projection, applied where the teacher runs.
 */
export const rrd: Method<z.infer<typeof params>> = {
  name: 'rrd',
  params,
  needs: ({ enqueue }) => ({
    teacher: new Set(['embeddings']),
    queue: enqueue,
  }),
  init: ({ studentFeatureDim, featDim }, _params, rng) => {
    const { weight, bias } = initLinear(studentFeatureDim, featDim, rng);
    return {
      trainable: { 'embed.weight': weight, 'embed.bias': bias },
      buffers: {},
    };
  },
  loss: ({ student, teacher, queue }, { trainable }, temperatures) => {
    const projected = linear(
      student.features,
      trainable['embed.weight']!,
      trainable['embed.bias']!,
    );
    const embeddings = l2Normalize(projected); // [N, featDim]
    const { loss, kl } = relational(
      embeddings,
      teacher.embeddings!,
      queue!,
      temperatures,
    );
    return { loss, measurements: { kl } };
  },
};
