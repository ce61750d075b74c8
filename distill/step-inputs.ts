import { needsOf, weightedTerms, type Experiment } from './experiment.js';
import { isMapName, mapNamesOf, partsOf } from './map-names.js';
import { shapeAt } from './methods/maps.js';
import type {
  Dims,
  MapKind,
  Side,
  TeacherOutput,
  TeacherTensor,
} from './methods/method.js';
import { withPrefix } from './prefixes.js';
import type {
  HostTensor,
  NamedHostTensors,
  NamedSpecs,
  TensorSpec,
} from './tensors.js';
import { viewName, viewsOf } from './views.js';

/**
 * What a training step reads besides its batch and the learning rate: names,
 * shapes, and who needs it.
 */

export const sides: readonly Side[] = ['student', 'teacher'];

export const outputInputs = {
  features: 'teacherFeatures',
  logits: 'teacherLogits',
  embeddings: 'teacherEmbeddings',
} as const satisfies Record<TeacherOutput, string>;

export const mapInputs = {
  maps: 'teacherMaps',
  preactivations: 'teacherPreactivations',
} as const satisfies Record<MapKind, string>;

/** The input that carries something of the teacher. */
export function teacherInput(tensor: TeacherTensor): string {
  if (!isMapName(tensor)) return outputInputs[tensor];
  const { kind, index } = partsOf(tensor);
  return `${mapInputs[kind]}.${index}`;
}

/** By their inputs' names. */
export function teacherTensors(
  outputs: Readonly<Partial<Record<TeacherTensor, HostTensor>>>,
): NamedHostTensors {
  const entries = Object.entries(outputs) as [TeacherTensor, HostTensor][];
  return Object.fromEntries(
    entries.map(([output, tensor]) => [teacherInput(output), tensor]),
  );
}

/** The input with a memory of all samples. */
export function memoryOf(side: Side): string {
  return `memory.${side}`;
}

/** The input with the weight of a term that has a schedule. */
export function weightInput(term: string): string {
  return `weight.${term}`;
}

/** @param weights of an epoch, see `weightsAt` */
export function weightTensors(
  loss: Experiment['loss'],
  weights: Readonly<Record<string, number>>,
): NamedHostTensors {
  return Object.fromEntries(
    scheduledTerms(loss).map((term) => {
      const data = Float32Array.of(weights[term]!);
      return [weightInput(term), { shape: [], data }];
    }),
  );
}

/**
 * @param batch specs of `images` and `labels`, of one rank
 * @returns those, and what the loss needs
 */
export function inputSpecs(
  loss: Experiment['loss'],
  dims: Dims,
  batch: { readonly images: TensorSpec; readonly labels: TensorSpec },
): NamedSpecs {
  const needs = needsOf({ loss });
  const batchSize = batch.labels.shape[0]!;
  const pooled = (outputs: ReadonlySet<TeacherOutput>) =>
    pooledSpecs(outputs, dims, batchSize);
  const views = (needs.views ?? []).flatMap((need) => {
    const own = { images: batch.images, ...pooled(need.teacher) };
    return viewsOf(need).map((view) => withPrefix(viewName(view), own));
  });
  const maps = [...mapNamesOf(needs, dims.teacherMaps.length)].map((name) => {
    const shape = shapeAt(dims.teacherMaps, partsOf(name).index);
    return [teacherInput(name), float32([batchSize, ...shape])] as const;
  });
  const memory = float32([dims.sampleCount, dims.featDim]);
  return {
    ...batch,
    ...pooled(needs.teacher),
    ...Object.fromEntries(maps),
    ...(needs.queue && { queue: float32([dims.capacity, dims.featDim]) }),
    ...(needs.samples && {
      contrast: int32([batchSize, 1 + needs.samples.negatives]),
      ...Object.fromEntries(sides.map((side) => [memoryOf(side), memory])),
    }),
    ...(Object.assign({}, ...views) as NamedSpecs),
    ...Object.fromEntries(
      scheduledTerms(loss).map((term) => [weightInput(term), float32([])]),
    ),
  };
}

function pooledSpecs(
  outputs: ReadonlySet<TeacherOutput>,
  dims: Dims,
  batchSize: number,
): NamedSpecs {
  const widths: Record<TeacherOutput, number> = {
    features: dims.teacherFeatureDim,
    logits: dims.classCount,
    embeddings: dims.featDim,
  };
  const specs = [...outputs].map((output) => {
    const shape = [batchSize, widths[output]];
    return [teacherInput(output), float32(shape)] as const;
  });
  return Object.fromEntries(specs);
}

function scheduledTerms(loss: Experiment['loss']): string[] {
  const terms = weightedTerms({ loss }).map(
    ({ name, params }) => [name, params.weight] as const,
  );
  const all = [['crossEntropy', loss.crossEntropy] as const, ...terms];
  return all.flatMap(([name, weight]) =>
    typeof weight === 'number' ? [] : [name],
  );
}

function float32(shape: readonly number[]): TensorSpec {
  return { shape, dataType: 'float32' };
}

function int32(shape: readonly number[]): TensorSpec {
  return { shape, dataType: 'int32' };
}
