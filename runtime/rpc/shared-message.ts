/** Messages that go to several callers, with their bytes once there are some. */
const shared = new WeakMap<object, Buffer | undefined>();

/**
 * Marks a response that several callers get: it is encoded once, for as long as
 * somebody holds it. It must not change any more.
 */
export function shareMessage<Message extends object>(
  message: Message,
): Message {
  if (!shared.has(message)) shared.set(message, undefined);
  return message;
}

/** Encodes shared messages once, others each time. */
export function encodingOnce(
  encode: (message: object) => Buffer,
): (message: object) => Buffer {
  return (message) => {
    if (!shared.has(message)) return encode(message);
    const known = shared.get(message);
    if (known) return known;
    const bytes = encode(message);
    shared.set(message, bytes);
    return bytes;
  };
}
