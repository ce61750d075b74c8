import type { Program } from '#distill/program.js';
import type { NamedHostTensors } from '#distill/tensors.js';

/** In the order in which `auto` tries them. */
export const engineNames = [
  'tensorflow',
  'onnx',
  'wasm',
  'webgpu',
  'cpu',
] as const;
export type EngineName = (typeof engineNames)[number];

/** What `--engine` and a config accept; `auto` is the fastest one present. */
export const engineChoices = ['auto', ...engineNames] as const;
export type EngineChoice = (typeof engineChoices)[number];

/**
 * Something that runs programs. An engine lives in one worker thread (or
 * process); several executables may exist on it, one call at a time.
 */
export interface Engine {
  readonly name: EngineName;
  /** Library and version, e.g. `tfjs-backend-wasm 4.22.0 (SIMD)`. */
  readonly version: string;
  /**
   * Prepares `program` for repeated runs, with its state on the device.
   * `initialState` names every tensor of `program.state`.
   */
  compile(
    program: Program,
    initialState: NamedHostTensors,
  ): Promise<Executable>;
  dispose(): Promise<void>;
}

/** A program with its state, ready to run. Calls must not overlap. */
export interface Executable {
  /** Runs once, updates the state, and returns the program's outputs. */
  run(inputs: NamedHostTensors): Promise<NamedHostTensors>;
  /** A copy of the state as it is now (of `names` only, if given). */
  readState(names?: readonly string[]): Promise<NamedHostTensors>;
  /** Replaces the named state tensors. */
  writeState(state: NamedHostTensors): Promise<void>;
  dispose(): void;
}

/** What `rrd doctor` and the choice at start-up need to know of an engine. */
export interface EngineProvider {
  readonly name: EngineName;
  /** Why it cannot run here and how to get it, or undefined if it can. */
  missing(): Promise<string | undefined>;
  /** Throws `EngineUnavailableError` with the text of `missing` if it cannot. */
  create(): Promise<Engine>;
}
