import { describe, expect, it } from 'vitest';
import {
  addressesSetting,
  areDiscovered,
  parseAddresses,
  resolveAddresses,
} from './addresses.js';

describe('addresses of replicas', () => {
  it.each([
    ['teacher:50051', [{ host: 'teacher', port: 50051 }]],
    ['dns:///teacher:50051', [{ host: 'teacher', port: 50051 }]],
    ['[::1]:7', [{ host: '::1', port: 7 }]],
    [
      '127.0.0.1:1, 127.0.0.2:2',
      [
        { host: '127.0.0.1', port: 1 },
        { host: '127.0.0.2', port: 2 },
      ],
    ],
  ])('reads %s', (text, endpoints) => {
    expect(addressesSetting.parse(text)).toBe(text);
    expect(parseAddresses(text)).toEqual(endpoints);
  });

  it.each([
    '',
    'teacher',
    'teacher:0',
    'a:1,',
    'a:1,b',
    'http://a:1',
    'a:70000',
  ])('refuses %j', (text) => {
    expect(addressesSetting.safeParse(text).success).toBe(false);
  });

  it('finds every address behind a name, once', async () => {
    const endpoints = parseAddresses('localhost:5,127.0.0.1:5,[::1]:6');
    expect(areDiscovered(endpoints)).toBe(true);
    const found = await resolveAddresses(endpoints);
    const addresses = found.map(({ address }) => address);
    expect(addresses).toContain('127.0.0.1:5');
    expect(addresses).toContain('[::1]:6');
    expect(new Set(addresses).size).toBe(addresses.length);
  });

  it('finds nothing behind a name that is not known yet', async () => {
    const endpoints = parseAddresses('no-such-host.invalid:5');
    expect(await resolveAddresses(endpoints)).toEqual([]);
  });

  it('takes addresses for all there is', () => {
    expect(areDiscovered(parseAddresses('127.0.0.1:5,[::1]:6'))).toBe(false);
  });
});
