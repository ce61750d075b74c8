import type { HostTensor } from '#distill/tensors.js';
import { refuseTelemetryOfOnnxRuntime } from '../../env.js';
import { EngineUnavailableError } from '../../errors.js';
import type { ElementType } from './graph.js';

/**
 * The part of onnxruntime-node that is used here. The package is an optional
 * dependency: the project builds and runs without it.
 */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: object): Promise<Session>;
  };
  readonly Tensor: new (
    type: ElementType,
    data: HostTensor['data'],
    dims: readonly number[],
  ) => OrtTensor;
  listSupportedBackends(): readonly { readonly name: string }[];
  readonly env: { readonly versions: { readonly node?: string } };
}

export interface OrtTensor {
  readonly data: HostTensor['data'];
  readonly dims: readonly number[];
  /** Gives back memory of a device; of host memory, nothing. */
  dispose(): void;
}

export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Outputs go where `fetches` says; `null` allocates. */
  run(
    feeds: Readonly<Record<string, OrtTensor>>,
    fetches: Readonly<Record<string, OrtTensor | null>>,
  ): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

/** @throws EngineUnavailableError if the package is not there or does not load */
export async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  const name: string = 'onnxruntime-node';
  refuseTelemetryOfOnnxRuntime();
  try {
    const module = (await import(name)) as { default: OnnxRuntime };
    return module.default;
  } catch (cause) {
    const problem =
      'onnxruntime-node is not installed; ' +
      'ONNXRUNTIME_NODE_INSTALL=skip npm ci installs it';
    throw new EngineUnavailableError({ engine: 'onnx', problem }, { cause });
  }
}
