import { InvalidArgumentError, Option } from 'commander';
import type { ClientTls } from '#runtime/rpc/options.js';
import { engineChoices, type EngineChoice } from '#runtime/compute/engine.js';
import { datasetKinds } from '#runtime/data/definition.js';
import { ConfigInvalidError } from '#runtime/errors.js';

/** Options that several commands share, each described once. */

/** How a server is trusted, and what it is shown. */
export interface TlsFlags {
  readonly tlsCa?: string;
  /** Certificate and key. */
  readonly tlsIdentity?: readonly [string, string];
}

export interface SessionFlags extends TlsFlags {
  readonly orchestrator?: string;
  readonly data: Readonly<Record<string, string>>;
  readonly models: string;
  readonly runs: string;
  readonly engine: EngineChoice;
}

export const orchestratorOption = new Option(
  '--orchestrator <host:port,...>',
  'running orchestrators; without it all four services start in this process',
);

export const remoteOption = new Option(
  '--orchestrator <host:port,...>',
  'running orchestrators; any one answers for all',
).makeOptionMandatory();

export const tlsCaOption = new Option(
  '--tls-ca <file>',
  "the certificate authority of the server's TLS; plaintext without",
);

export const tlsIdentityOption = new Option(
  '--tls-identity <cert,key>',
  'the files of a certificate to show, where the server asks for one',
).argParser(certificateAndKey);

export interface TeacherFlags extends TlsFlags {
  readonly teacher: string;
}

export function teacherOption(what = 'a running teacher'): Option {
  const option = new Option('--teacher <host:port>', what);
  return option.makeOptionMandatory();
}

/**
 * Of a server whose certificate authority is named; plaintext without.
 * @throws ConfigInvalidError for a certificate that nobody would see
 */
export function tlsOf({ tlsCa, tlsIdentity }: TlsFlags): ClientTls | undefined {
  const [certPath, keyPath] = tlsIdentity ?? [];
  if (tlsCa !== undefined) return { caPath: tlsCa, certPath, keyPath };
  if (tlsIdentity === undefined) return undefined;
  throw new ConfigInvalidError({
    ...{ source: 'command line', line: 0, field: '--tls-ca', value: 'missing' },
    expected: 'a file, beside --tls-identity',
  });
}

export interface RemoteFlags extends TlsFlags {
  readonly orchestrator: string;
}

export const dataOption = new Option(
  '--data <name=kind:path>',
  `a data set for the local services, its kind one of ${datasetKinds.join(', ')}; may be repeated`,
)
  .default({})
  .argParser(collectDataset);

export const modelsOption = new Option(
  '--models <dir>',
  'folder of teacher models',
).default('runs/models');

export const runsOption = new Option(
  '--runs <dir>',
  'folder for configs, measurements and checkpoints',
).default('runs');

export const engineOption = new Option(
  '--engine <name>',
  'compute engine; auto is the fastest that is present',
)
  .choices(engineChoices)
  .default('auto');

export const jsonOption = new Option(
  '--json',
  'print one JSON document on standard output instead of text',
);

export const epochsOption = new Option(
  '--epochs <n>',
  "instead of the experiment's",
).argParser(positiveInteger);

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('a whole number of at least 1 is expected');
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && text.trim() !== '') return value;
  throw new InvalidArgumentError('a whole number is expected');
}

function certificateAndKey(text: string): readonly [string, string] {
  const [certificate, key, ...more] = text.split(',');
  if (certificate && key && more.length === 0) return [certificate, key];
  throw new InvalidArgumentError('cert.pem,key.pem is expected');
}

function collectDataset(
  text: string,
  collected: Record<string, string>,
): Record<string, string> {
  const [, name, definition] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || definition === undefined) {
    throw new InvalidArgumentError('name=kind:path is expected');
  }
  return { ...collected, [name]: definition };
}
