const handedOver = new WeakMap<object, ArrayBuffer[]>();

/**
 * Marks `value`, an argument or result of a worker call, as given away: its
 * typed arrays move to the other thread instead of being copied, and cannot be
 * used here any more. Views of part of a larger buffer are still copied.
 */
export function moved<Value extends object>(value: Value): Value {
  handedOver.set(value, [...new Set(buffersOf(value))]);
  return value;
}

/** The buffers that move with `value`; none unless it was `moved`. */
export function transferListOf(value: unknown): ArrayBuffer[] {
  if (typeof value !== 'object' || value === null) return [];
  return handedOver.get(value) ?? [];
}

function buffersOf(value: unknown): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteLength } = value;
    const whole = byteLength === buffer.byteLength;
    return whole && buffer instanceof ArrayBuffer ? [buffer] : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(buffersOf);
}
