import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why there can be no certificates here; undefined: there can. */
export function opensslMissing(): string | undefined {
  return spawnSync('openssl', ['version']).status === 0
    ? undefined
    : 'openssl is not installed';
}

/** Files that say who one is, and whom one trusts. */
export interface Identity {
  readonly caPath: string;
  readonly certPath: string;
  readonly keyPath: string;
}

/** A certificate authority of a test's own, in a folder of its own. */
export class Authority implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'rrd-tls-'));

  constructor() {
    this.#run(`req -x509 ${newKey} -subj /CN=ca -keyout ca.key -out ca.crt`);
  }

  /** @param alternatives `DNS:a.test,IP:127.0.0.1` */
  certify(name: string, alternatives: string): Identity {
    writeFileSync(join(this.folder, 'names'), `subjectAltName=${alternatives}`);
    this.#run(
      `req ${newKey} -subj /CN=${name} -keyout ${name}.key -out ${name}.csr`,
    );
    const ca = '-CA ca.crt -CAkey ca.key -CAcreateserial -days 2';
    this.#run(
      `x509 -req -in ${name}.csr ${ca} -extfile names -out ${name}.crt`,
    );
    const at = (file: string) => join(this.folder, file);
    return {
      caPath: at('ca.crt'),
      certPath: at(`${name}.crt`),
      keyPath: at(`${name}.key`),
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #run(command: string): void {
    const options = { cwd: this.folder, stdio: 'pipe' } as const;
    execFileSync('openssl', command.split(' '), options);
  }
}

const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
