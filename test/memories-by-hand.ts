import type { Dataset } from '#distill/data/dataset.js';
import { Negatives } from '#distill/data/negatives.js';
import { dataSeedOf, type Experiment, needsOf } from '#distill/experiment.js';
import { SampleMemory } from '#distill/sample-memory.js';
import type { HostTensor, NamedHostTensors } from '#distill/tensors.js';

/** Memories of all samples as two arrays: undefined if no term has them. */
export function memoriesByHand(experiment: Experiment, dataset: Dataset) {
  const { bank, training } = experiment;
  const { samples } = needsOf(experiment);
  if (!samples) return undefined;
  const split = dataset.split('train');
  const options = { capacity: split.size, featDim: bank.featDim };
  const student = SampleMemory.create({ ...options, seed: bank.seed });
  const teacher = SampleMemory.create({ ...options, seed: bank.seed + 1 });
  const negatives = new Negatives(split);
  const width = 1 + samples.negatives;
  const tensorOf = ({ rows, capacity, featDim }: SampleMemory): HostTensor => ({
    shape: [capacity, featDim],
    data: rows,
  });
  const state = (): NamedHostTensors => ({
    'memory.student': tensorOf(student),
    'memory.teacher': tensorOf(teacher),
  });
  return {
    state,
    inputs(epoch: number, indices: readonly number[]): NamedHostTensors {
      const data = new Int32Array(indices.length * width);
      for (const [i, index] of indices.entries()) {
        const into = data.subarray(i * width, (i + 1) * width);
        negatives.draw(dataSeedOf(training), epoch, index, into);
      }
      const contrast = { shape: [indices.length, width], data };
      return { ...state(), contrast };
    },
    move(indices: readonly number[], outputs: NamedHostTensors): void {
      const of = (side: string) =>
        outputs[`remembered.${side}`]!.data as Float32Array;
      student.move(indices, of('student'), samples.momentum);
      teacher.move(indices, of('teacher'), samples.momentum);
    },
  };
}
