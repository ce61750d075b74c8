import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.js';

describe('createLogger', () => {
  it('writes JSON lines with the name and the error stack', () => {
    const lines: string[] = [];
    const log = createLogger('bank', {
      to: { write: (line) => lines.push(line) },
    });
    log.debug('not written');
    log.info({ version: 3, err: new Error('e') }, 'committed');
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { name: 'bank', version: 3, msg: 'committed', err: { message: 'e' } },
    ]);
    expect(lines[0]).not.toContain('trace_id');
  });
});
