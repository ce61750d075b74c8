import { expect, it } from 'vitest';
import { encodingOnce, shareMessage } from './shared-message.js';

it('encodes a shared message once, and any other each time', () => {
  let calls = 0;
  const encode = encodingOnce((message) => {
    calls += 1;
    return Buffer.from(JSON.stringify(message));
  });
  const own = { version: 1 };
  expect(encode(own)).toEqual(encode(own));
  expect(calls).toBe(2);
  const message = shareMessage({ version: 2 });
  const bytes = encode(message);
  expect(encode(shareMessage(message))).toBe(bytes);
  expect(bytes.toString()).toBe('{"version":2}');
  expect(calls).toBe(3);
});
