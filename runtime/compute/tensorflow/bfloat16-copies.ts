import type * as tf from '@tensorflow/tfjs-core';
import { attributesOf } from './operation.js';
import type { NodeBackend, OutputHandle } from './tfjs-node.js';

type Precision = 'float32' | 'bfloat16';

/**
 * The bfloat16 copies of float32 tensors, as bare handles, since TensorFlow.js
 * knows no such tensors. One is made when it is first asked for and freed with its
 * tensor: what a forward has rounded, the gradients find.
 */
export class Bfloat16Copies {
  readonly #handles = new Map<tf.DataId, number>();

  constructor(private readonly backend: NodeBackend) {
    const dispose = backend.disposeData.bind(backend);
    backend.disposeData = (dataId, force) => {
      const isGone = dispose(dataId, force);
      if (isGone) this.#free(dataId);
      return isGone;
    };
  }

  /** @returns a handle that stays ours */
  of(tensor: tf.Tensor): number {
    const known = this.#handles.get(tensor.dataId);
    if (known !== undefined) return known;
    const [own] = this.backend.getInputTensorIds([tensor]);
    const { id } = castHandle(this.backend, own!, 'float32', 'bfloat16');
    this.#handles.set(tensor.dataId, id);
    return id;
  }

  #free(dataId: tf.DataId): void {
    const id = this.#handles.get(dataId);
    if (id === undefined) return;
    this.#handles.delete(dataId);
    this.backend.binding.deleteTensor(id);
  }
}

/** A new handle, for its caller to delete. */
export function castHandle(
  backend: NodeBackend,
  id: number,
  from: Precision,
  to: Precision,
): OutputHandle {
  const attributes = attributesOf(backend, {
    SrcT: { type: from },
    DstT: { type: to },
    Truncate: { bool: false },
  });
  return backend.binding.executeOp('Cast', attributes, [id], 1)[0]!;
}
