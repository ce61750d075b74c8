import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { l2Normalize } from '../ops/l2-normalize.js';
import { normalizerOf, scoresInMemory } from '../sample-memory.js';
import type { HostTensor, NamedTensors } from '../tensors.js';
import type { Rng } from '../data/rng.js';
import { joinHeads, linearHead, project } from './heads.js';
import type { Dims, MethodInputs, MethodState, Remembered } from './method.js';

/** What the methods with memories of all samples share. */
export const memoryParams = {
  /** Of the scores in a memory. */
  temperature: z.number().positive().default(0.07),
  /** Share of the old row in an update. */
  momentum: z.number().min(0).lt(1).default(0.5),
  /** Negatives of each sample (K). */
  negatives: z.number().int().positive().default(16384),
};

/** Linear embeddings of both sides. A normaliser at 0 is yet to be estimated. */
export function memoryHeads(dims: Dims, rng: Rng) {
  const { studentFeatureDim, teacherFeatureDim, featDim } = dims;
  const unset: HostTensor = { shape: [], data: new Float32Array(1) };
  return joinHeads([
    linearHead('embed', studentFeatureDim, featDim, rng),
    linearHead('embedTeacher', teacherFeatureDim, featDim, rng),
    {
      trainable: {},
      buffers: {
        studentNormalizer: unset,
        teacherNormalizer: unset,
      },
    },
  ]);
}

/** One side against the other side's memory; both are [N, 1 + K]. */
export interface Scored {
  /** Inner products. */
  readonly scores: tf.Tensor2D;
  /** exp(score / temperature) / Z */
  readonly pairs: tf.Tensor2D;
}

export interface Contrasted {
  readonly student: Scored;
  readonly teacher: Scored;
  readonly remembered: Remembered;
  /** After the step. */
  readonly buffers: NamedTensors;
}

/** Scores both sides in the other's memory. */
export function contrast(
  { student, teacher, samples }: MethodInputs,
  { trainable, buffers }: MethodState<NamedTensors>,
  temperature: number,
): Contrasted {
  const { contrast, memories } = samples!;
  const side = (features: tf.Tensor2D, head: string, memory: tf.Tensor) => {
    const embeddings = l2Normalize(project(features, trainable, head));
    const scores = scoresInMemory(memory, embeddings, contrast);
    return { embeddings, scores };
  };
  const s = side(student.features, 'embed', memories.teacher);
  const t = side(teacher.features!, 'embedTeacher', memories.student);
  const sampleCount = memories.student.shape[0];
  const scored = (scores: tf.Tensor2D, name: string) => {
    const exponentials = tf.exp(tf.div<tf.Tensor2D>(scores, temperature));
    const current = buffers[name]!;
    const normalizer = normalizerOf(current, exponentials, sampleCount);
    const pairs = tf.div<tf.Tensor2D>(exponentials, normalizer);
    return { scores, pairs, normalizer };
  };
  const forStudent = scored(s.scores, 'studentNormalizer');
  const forTeacher = scored(t.scores, 'teacherNormalizer');
  return {
    student: forStudent,
    teacher: forTeacher,
    remembered: { student: s.embeddings, teacher: t.embeddings },
    buffers: {
      studentNormalizer: forStudent.normalizer,
      teacherNormalizer: forTeacher.normalizer,
    },
  };
}
