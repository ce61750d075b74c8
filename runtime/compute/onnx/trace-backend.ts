import * as tf from '@tensorflow/tfjs-core';
import { isComposed } from '#distill/ops/kernel.js';
import { Graph, type ElementType } from './graph.js';
import { lowerings } from './kernels/index.js';
import { unsupported } from './lowering.js';
import { constantView, type View } from './view.js';

const backendName = 'onnx-trace';

/**
 * A TensorFlow.js backend that computes nothing: its tensors are views of
 * values in a graph, and running a kernel adds nodes to that graph. Autodiff
 * works as usual, since it only runs more kernels.
 */
class TraceBackend extends tf.KernelBackend {
  graph = new Graph();
  readonly #views = new WeakMap<tf.DataId, View>();

  /** A new tensor that stands for `view`. */
  register(view: View): tf.TensorInfo {
    const dataId = {};
    this.#views.set(dataId, view);
    return { dataId, shape: [...view.shape], dtype: view.type as tf.DataType };
  }

  /** What a tensor stands for; one of another backend becomes a constant. */
  view(tensor: tf.TensorInfo): View {
    const known = this.#views.get(tensor.dataId);
    if (known) return known;
    const values = tf.engine().readSync(tensor.dataId) as tf.TypedArray;
    return this.#constant(values, tensor.shape, tensor.dtype);
  }

  override write(
    values: tf.BackendValues,
    shape: number[],
    dtype: tf.DataType,
  ): tf.DataId {
    const view = this.#constant(values as tf.TypedArray, shape, dtype);
    return this.register(view).dataId;
  }

  override readSync(): never {
    throw unsupported('dataSync', 'tensors have no values yet');
  }

  override async read(): Promise<never> {
    throw unsupported('data', 'tensors have no values yet');
  }

  override disposeData(): boolean {
    return true; // the views go with their tensors
  }

  override numDataIds(): number {
    return 0;
  }

  override incRef(): void {}

  override floatPrecision(): 32 {
    return 32;
  }

  override memory() {
    return { unreliable: true };
  }

  #constant(values: tf.TypedArray, shape: number[], dtype: tf.DataType): View {
    return constantView(this.graph, dtype as ElementType, shape, values);
  }
}

/** Registers the backend and its kernels: once in a thread. */
function registerTraceBackend(): void {
  if (tf.findBackendFactory(backendName)) return;
  const backend = new TraceBackend();
  tf.registerBackend(backendName, () => backend);
  const names = new Set([
    ...Object.keys(lowerings),
    ...tf
      .getKernelsForBackend('cpu')
      .map(({ kernelName }) => kernelName)
      .filter((name) => !isComposed(name)),
  ]);
  for (const kernelName of names) {
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs }) =>
        runKernel(backend, kernelName, inputs, attrs ?? {}),
    });
  }
}

function runKernel(
  backend: TraceBackend,
  kernelName: string,
  inputs: tf.NamedTensorInfoMap,
  attributes: object,
): tf.TensorInfo | tf.TensorInfo[] {
  const lower = lowerings[kernelName];
  if (!lower) throw unsupported(kernelName, 'it has no lowering');
  const views: Record<string, View> = {};
  for (const [name, tensor] of Object.entries(inputs)) {
    if (tensor) views[name] = backend.view(tensor);
  }
  const result = lower(backend.graph, views, attributes);
  return Array.isArray(result)
    ? result.map((view) => backend.register(view))
    : backend.register(result);
}

/** Turns views into tensors and back, while a program is being traced. */
export interface Tracer {
  readonly graph: Graph;
  tensor(view: View): tf.Tensor;
  view(tensor: tf.Tensor): View;
}

/**
 * Calls `body` with TensorFlow.js set to record into a new graph. All tensors
 * that it makes are gone afterwards; the former backend is current again.
 */
export function withTracer<Result>(
  blockSize: number | undefined,
  body: (tracer: Tracer) => Result,
): Result {
  registerTraceBackend();
  const former = tf.getBackend() as string | undefined;
  void tf.setBackend(backendName); // done on return: the factory is synchronous
  const backend = tf.backend() as TraceBackend;
  backend.graph = new Graph(blockSize);
  const tracer = {
    graph: backend.graph,
    tensor: (view: View) =>
      tf.engine().makeTensorFromTensorInfo(backend.register(view)),
    view: (tensor: tf.Tensor) => backend.view(tensor),
  };
  tf.engine().startScope();
  try {
    return body(tracer);
  } finally {
    tf.engine().endScope();
    if (former !== undefined) void tf.setBackend(former);
  }
}
