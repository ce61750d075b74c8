import { describe, expect, it } from 'vitest';
import { ConfigInvalidError } from '../errors.js';
import { toSharedBus } from './config.js';

describe('toSharedBus', () => {
  it('reads servers, credentials and TLS', () => {
    expect(
      toSharedBus({
        servers: 'a:4222, b:4222',
        auth: { nkeyPath: '/seed' },
        tls: { caPath: '/ca' },
      }),
    ).toEqual({
      kind: 'nats',
      servers: ['a:4222', 'b:4222'],
      auth: { nkeyPath: '/seed' },
      tls: { caPath: '/ca' },
    });
  });

  it('refuses no servers, unknown keys and two kinds of credentials', () => {
    for (const settings of [
      {},
      { servers: '' },
      { servers: 'a:1', password: 'x' },
      { servers: 'a:1', auth: { nkeyPath: 'x', credsPath: 'y' } },
    ]) {
      expect(() => toSharedBus(settings)).toThrow(ConfigInvalidError);
    }
  });
});
