import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEnv } from './env.js';

describe('readEnv', () => {
  it('nests, names in camel case, and ignores the rest', () => {
    const settings = readEnv('RRD_BANK_', {
      RRD_BANK_MAX_BYTES: '17',
      RRD_BANK_LISTEN__PORT: '1',
      RRD_BANK_LISTEN__TLS__CERT_PATH: '/c',
      RRD_BANK_EMPTY: '',
      RRD_TEACHER_PORT: '2',
    });
    expect(settings).toEqual({
      maxBytes: '17',
      listen: { port: '1', tls: { certPath: '/c' } },
    });
  });

  it('reads secrets from files', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rrd-env-'));
    const path = join(folder, 'token');
    writeFileSync(path, 's3cret\n');
    expect(readEnv('X_', { X_NATS__TOKEN_FILE: path })).toEqual({
      nats: { token: 's3cret' },
    });
    rmSync(folder, { recursive: true });
  });
});
