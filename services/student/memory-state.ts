import { memoryOf, sides } from '#distill/step-inputs.js';
import type { QueueSnapshot } from '#distill/queue.js';
import { SampleMemory } from '#distill/sample-memory.js';
import type { HostTensor, NamedHostTensors } from '#distill/tensors.js';
import type { BySide } from './trainer-api.js';

/** Memories of all samples among the tensors of a run's state, and of a step. */

export function mapSides<T, U>(each: BySide<T>, map: (of: T) => U): BySide<U> {
  return { student: map(each.student), teacher: map(each.teacher) };
}

/** Their rows, not copied. [sampleCount, featDim] */
export function memoryTensors(
  memories: BySide<SampleMemory> | undefined,
): NamedHostTensors {
  if (!memories) return {};
  const tensors = sides.map((side): [string, HostTensor] => {
    const { rows, capacity, featDim } = memories[side];
    return [memoryOf(side), { shape: [capacity, featDim], data: rows }];
  });
  return Object.fromEntries(tensors);
}

/** A state and the memories that it may have. */
export interface SplitState {
  /** What a program carries along. */
  readonly tensors: NamedHostTensors;
  readonly memories: BySide<QueueSnapshot> | undefined;
}

/** @param step so many steps are in the memories: each was one commit */
export function splitMemories(
  state: NamedHostTensors,
  step: number,
): SplitState {
  const snapshot = (tensor: HostTensor | undefined) =>
    tensor?.data instanceof Float32Array
      ? {
          ...{ rows: tensor.data, featDim: tensor.shape[1]! },
          ...{ pointer: 0, version: step },
        }
      : undefined;
  const {
    [memoryOf('student')]: own,
    [memoryOf('teacher')]: other,
    ...tensors
  } = state;
  const [student, teacher] = [snapshot(own), snapshot(other)];
  return { tensors, memories: student && teacher && { student, teacher } };
}

/** A memory that goes on from a snapshot, which is copied. */
export function restored({ rows, ...snapshot }: QueueSnapshot): SampleMemory {
  return SampleMemory.adopt({ ...snapshot, rows: rows.slice() });
}
