import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { l2Normalize } from '../ops/l2-normalize.js';
import {
  initMemory,
  normalizerOf,
  scoresInMemory,
  updateMemory,
} from '../sample-memory.js';
import type { HostTensor, NamedTensors } from '../tensors.js';
import type { Rng } from '../data/rng.js';
import { joinHeads, linearHead, project } from './heads.js';
import type { Dims, MethodInputs, MethodState } from './method.js';

/** What the methods with memories of all samples share. */
export const memoryParams = {
  /** Of the scores in a memory. */
  temperature: z.number().positive().default(0.07),
  /** Share of the old row in an update. */
  momentum: z.number().min(0).lt(1).default(0.5),
  /** Negatives of each sample (K). */
  negatives: z.number().int().positive().default(16384),
};

export interface MemoryParams {
  readonly temperature: number;
  readonly momentum: number;
}

/**
 * Embeddings of both sides, and a memory of each. A normaliser at 0 is yet to
 * be estimated.
 */
export function memoryHeads(dims: Dims, rng: Rng) {
  const { studentFeatureDim, teacherFeatureDim, featDim, sampleCount } = dims;
  const unset: HostTensor = { shape: [], data: new Float32Array(1) };
  return joinHeads([
    linearHead('embed', studentFeatureDim, featDim, rng),
    linearHead('embedTeacher', teacherFeatureDim, featDim, rng),
    {
      trainable: {},
      buffers: {
        studentMemory: initMemory(sampleCount, featDim, rng),
        teacherMemory: initMemory(sampleCount, featDim, rng),
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
  /** After the step. */
  readonly buffers: NamedTensors;
}

/** Scores both sides in the other's memory, and moves both memories. */
export function contrast(
  { student, teacher, samples }: MethodInputs,
  { trainable, buffers }: MethodState<NamedTensors>,
  { temperature, momentum }: MemoryParams,
): Contrasted {
  const { own, contrast } = samples!;
  const side = (features: tf.Tensor2D, head: string, other: string) => {
    const embeddings = l2Normalize(project(features, trainable, head));
    const memory = buffers[`${other}Memory`]!;
    const scores = scoresInMemory(memory, embeddings, contrast);
    return { embeddings, scores };
  };
  const s = side(student.features, 'embed', 'teacher');
  const t = side(teacher.features!, 'embedTeacher', 'student');
  const sampleCount = buffers['studentMemory']!.shape[0];
  const scored = (scores: tf.Tensor2D, name: string) => {
    const exponentials = tf.exp(tf.div<tf.Tensor2D>(scores, temperature));
    const current = buffers[name]!;
    const normalizer = normalizerOf(current, exponentials, sampleCount);
    const pairs = tf.div<tf.Tensor2D>(exponentials, normalizer);
    return { scores, pairs, normalizer };
  };
  const forStudent = scored(s.scores, 'studentNormalizer');
  const forTeacher = scored(t.scores, 'teacherNormalizer');
  const moved = (name: string, embeddings: tf.Tensor2D) =>
    updateMemory(buffers[name]!, own, embeddings, momentum);
  return {
    student: forStudent,
    teacher: forTeacher,
    buffers: {
      studentMemory: moved('studentMemory', s.embeddings),
      teacherMemory: moved('teacherMemory', t.embeddings),
      studentNormalizer: forStudent.normalizer,
      teacherNormalizer: forTeacher.normalizer,
    },
  };
}
