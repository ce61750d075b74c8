import { CorruptFileError } from '../../errors.js';

const maxLineBytes = 256;

/** Reads a file's bytes from front to back, never beyond its end. */
export class ByteReader {
  #position = 0;
  readonly #view: DataView;

  constructor(
    private readonly data: Uint8Array,
    /** For errors. */
    readonly path: string,
  ) {
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  get left(): number {
    return this.data.length - this.#position;
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
  }

  bigEndianDouble(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  /** A little-endian number in two's complement; big ones are bigints. */
  signed(length: number): number | bigint {
    let value = 0n;
    for (const byte of this.bytes(length).toReversed())
      value = (value << 8n) | BigInt(byte);
    const signed = BigInt.asIntN(length * 8, value);
    const number = Number(signed);
    return Number.isSafeInteger(number) ? number : signed;
  }

  /** No copy. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.data.subarray(start, start + length);
  }

  /** UTF-8 */
  text(length: number): string {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(
        this.bytes(length),
      );
    } catch (cause) {
      if (cause instanceof CorruptFileError) throw cause;
      throw this.corrupt('text that is not UTF-8');
    }
  }

  /** Up to a line feed, which is left out. */
  line(): string {
    const rest = this.data.subarray(
      this.#position,
      this.#position + maxLineBytes,
    );
    const length = rest.indexOf(0x0a);
    if (length < 0) throw this.corrupt('a line without an end');
    const text = this.text(length);
    this.#take(1);
    return text;
  }

  corrupt(problem: string): CorruptFileError {
    return new CorruptFileError({ path: this.path, problem });
  }

  #take(length: number): number {
    const start = this.#position;
    if (length > this.left) throw this.corrupt('cut off');
    this.#position += length;
    return start;
  }
}
