const encoder = new TextEncoder();

/**
 * Writes one protobuf message: just the wire types that ONNX files need.
 * Fields may come in any order; repeated fields are written one by one.
 */
export class MessageWriter {
  readonly #parts: Uint8Array[] = [];

  /** A whole number (int32, int64, enum); negative ones take ten bytes. */
  integer(field: number, value: number): this {
    return this.#tag(field, 0).#varint(BigInt.asUintN(64, BigInt(value)));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#tag(field, 5).#parts.push(bytes);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, 2).#varint(BigInt(value.length)).#parts.push(value);
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }

  message(field: number, value: MessageWriter): this {
    return this.bytes(field, value.finish());
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  #tag(field: number, wireType: number): this {
    return this.#varint(BigInt((field << 3) | wireType));
  }

  #varint(value: bigint): this {
    const bytes = [];
    for (; value > 0x7fn; value >>= 7n)
      bytes.push(Number(value & 0x7fn) | 0x80);
    bytes.push(Number(value));
    this.#parts.push(Uint8Array.from(bytes));
    return this;
  }
}
