import { sizeOf, type HostTensor } from '#distill/tensors.js';
import { CorruptFileError } from '../../errors.js';
import {
  bytesPerElement,
  decodeElements,
  type ElementKind,
} from '../elements.js';

/** Elements by torch's class of storage. */
export const storageKinds: ReadonlyMap<string, ElementKind> = new Map([
  ['DoubleStorage', 'F64'],
  ['FloatStorage', 'F32'],
  ['HalfStorage', 'F16'],
  ['BFloat16Storage', 'BF16'],
  ['LongStorage', 'I64'],
  ['IntStorage', 'I32'],
  ['ShortStorage', 'I16'],
  ['CharStorage', 'I8'],
  ['ByteStorage', 'U8'],
  ['BoolStorage', 'BOOL'],
]);

/** A flat array in a file, which tensors are views of. */
export interface TorchStorage {
  readonly key: string;
  readonly kind: ElementKind;
  readonly elements: number;
  /** Throws `CorruptFileError` unless the file has as many as it says. */
  bytes(): Uint8Array;
}

const maxDimensions = 16;

/** A view of a storage; nothing is read before `read`. */
export class TorchTensor {
  /** @throws CorruptFileError if the view leaves its storage */
  constructor(
    private readonly storage: TorchStorage,
    private readonly offset: number,
    readonly shape: readonly number[],
    private readonly strides: readonly number[],
    private readonly path: string,
  ) {
    const counts = [offset, ...shape, ...strides];
    if (!counts.every((n) => Number.isSafeInteger(n) && n >= 0))
      throw this.corrupt('an offset, shape or stride that is no count');
    if (shape.length > maxDimensions || shape.length !== strides.length)
      throw this.corrupt(`${shape.length} dimensions`);
    const last = shape.reduce(
      (sum, n, i) => sum + (n - 1) * strides[i]!,
      offset,
    );
    if (sizeOf(shape) > 0 && last >= storage.elements)
      throw this.corrupt('a view beyond its storage');
  }

  get kind(): ElementKind {
    return this.storage.kind;
  }

  /** A dense copy of as many elements as the shape says: check that before. */
  read(): HostTensor {
    const { shape, storage, offset } = this;
    const size = bytesPerElement[storage.kind];
    const span = (first: number, count: number) =>
      decodeElements(
        storage.bytes().subarray(first * size, (first + count) * size),
        storage.kind,
      );
    if (this.isDense()) return { shape, data: span(offset, sizeOf(shape)) };
    const all = span(0, storage.elements);
    const data = new (all.constructor as Float32ArrayConstructor)(
      sizeOf(shape),
    );
    this.#gather(all, data);
    return { shape, data };
  }

  isDense(): boolean {
    let expected = 1;
    for (let i = this.shape.length - 1; i >= 0; i--) {
      if (this.shape[i] !== 1 && this.strides[i] !== expected) return false;
      expected *= this.shape[i]!;
    }
    return true;
  }

  #gather(all: ArrayLike<number>, data: Float32Array | Int32Array): void {
    const index = this.shape.map(() => 0);
    let position = this.offset;
    for (let i = 0; i < data.length; i++) {
      data[i] = all[position]!;
      for (let axis = index.length - 1; axis >= 0; axis--) {
        position += this.strides[axis]!;
        if (++index[axis]! < this.shape[axis]!) break;
        position -= this.strides[axis]! * this.shape[axis]!;
        index[axis] = 0;
      }
    }
  }

  private corrupt(problem: string): CorruptFileError {
    return new CorruptFileError({ path: this.path, problem });
  }
}
