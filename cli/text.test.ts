import { describe, expect, it } from 'vitest';
import { bytes, duration, percent, table } from './text.js';

describe('text', () => {
  it('writes fractions, times and sizes for people', () => {
    expect(percent(0.6789)).toBe('67.9 %');
    expect(duration(59.4)).toBe('59 s');
    expect(duration(125)).toBe('2 min 5 s');
    expect(bytes(0)).toBe('0 B');
    expect(bytes(1536)).toBe('1.5 KiB');
    expect(bytes(8 * 1024 ** 2)).toBe('8.0 MiB');
  });

  it('aligns tables', () => {
    const text = table(
      ['method', 'n'],
      [
        ['rrd', '100'],
        ['rrd+kd', '2'],
      ],
    );
    expect(text.split('\n')).toEqual([
      'method    n',
      'rrd     100',
      'rrd+kd    2',
    ]);
  });
});
