import type { QueueSnapshot } from '#distill/queue.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import {
  decodeSafetensors,
  encodeSafetensors,
} from '#runtime/checkpoint/index.js';
import { InvalidRequestError } from '#runtime/errors.js';

/** Everything that a training carries from one step to the next. */
export interface TrainingState {
  readonly tensors: NamedHostTensors;
  readonly queue: QueueSnapshot | undefined;
}

/** How far a queue is, beside its rows. */
export type QueuePlace = Pick<QueueSnapshot, 'version' | 'pointer'>;

const queueRows = 'queue.rows';

export function encodeState({ tensors, queue }: TrainingState): {
  readonly bytes: Uint8Array;
  readonly queue: QueuePlace | undefined;
} {
  if (!queue) return { bytes: encodeSafetensors(tensors), queue };
  const { rows, featDim, version, pointer } = queue;
  const shape = [rows.length / featDim, featDim];
  const all = { ...tensors, [queueRows]: { shape, data: rows } };
  return { bytes: encodeSafetensors(all), queue: { version, pointer } };
}

/** @throws CorruptFileError, InvalidRequestError */
export function decodeState(
  bytes: Uint8Array,
  place: QueuePlace | null,
): TrainingState {
  const { tensors: all } = decodeSafetensors(bytes, "the chief's state");
  const { [queueRows]: rows, ...tensors } = all;
  if (!place) return { tensors, queue: undefined };
  const featDim = rows?.shape[1];
  if (!(rows?.data instanceof Float32Array) || featDim === undefined) {
    const [field, value] = [queueRows, rows?.shape.join('x') ?? 'missing'];
    const expected = 'float32 [capacity, featDim]';
    throw new InvalidRequestError({ field, value, expected });
  }
  const { version, pointer } = place;
  return { tensors, queue: { rows: rows.data, featDim, version, pointer } };
}

/** Bytes that come in chunks, to a total that was announced. */
export class ChunkReader {
  readonly #bytes: Uint8Array;
  #received = 0;

  constructor(totalBytes: number) {
    this.#bytes = new Uint8Array(totalBytes);
  }

  /**
   * All bytes, once the last ones are there.
   * @throws InvalidRequestError if there are more
   */
  add(chunk: Uint8Array): Uint8Array | undefined {
    const total = this.#bytes.length;
    const received = this.#received + chunk.length;
    if (received > total) {
      const field = 'bytes of the state';
      throw new InvalidRequestError({
        field,
        value: received,
        expected: total,
      });
    }
    this.#bytes.set(chunk, this.#received);
    this.#received = received;
    return received === total ? this.#bytes : undefined;
  }
}
