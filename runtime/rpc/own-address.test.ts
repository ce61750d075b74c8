import { isIP } from 'node:net';
import { expect, it } from 'vitest';
import { ownAddress } from './own-address.js';

it('is the address that a server listens on', () => {
  expect(ownAddress('127.0.0.1:50051')).toBe('127.0.0.1:50051');
  expect(ownAddress('[::1]:1')).toBe('[::1]:1');
});

it('is one that others can call where a server listens on all', () => {
  for (const listening of ['0.0.0.0:50051', '[::]:50051']) {
    const [, host = ''] = /^\[?(.*?)\]?:50051$/.exec(ownAddress(listening))!;
    expect(isIP(host)).not.toBe(0);
    expect(host).not.toMatch(/^(0\.0\.0\.0|::)$/);
  }
});
