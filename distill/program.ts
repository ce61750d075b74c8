import type { NamedSpecs, NamedTensors } from './tensors.js';

/**
 * A pure function of named tensors with fixed shapes: the only thing that an
 * engine runs (see runtime/compute/engine.ts). The maths writes programs in
 * TensorFlow.js operations and never learns which engine runs them, eagerly
 * or compiled.
 *
 * `run` must not read tensor values (`dataSync`, `arraySync`), branch on them,
 * or create variables: a compiling engine calls it once, with tensors that have
 * shapes but no values yet. Random draws come in as inputs.
 */
export interface Program {
  readonly name: string;
  /** Carried by the engine from one call to the next: weights, momentum, ... */
  readonly state: NamedSpecs;
  /** Handed in at every call. */
  readonly inputs: NamedSpecs;
  run(state: NamedTensors, inputs: NamedTensors): ProgramResult;
}

export interface ProgramResult {
  /** New values of state tensors; those not named stay as they are. */
  readonly state: NamedTensors;
  /** Read back to the host after every call: keep them few and small. */
  readonly outputs: NamedTensors;
}
