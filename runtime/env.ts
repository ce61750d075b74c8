import { readFileSync } from 'node:fs';

/** A service's settings as the environment has them: texts, nested by name. */
export interface EnvSettings {
  readonly [name: string]: string | EnvSettings;
}

/**
 * The variables that start with `prefix`, for a `config.ts` to validate (with
 * `z.coerce` for numbers): `RRD_BANK_MAX_BYTES=1` becomes `{ maxBytes: '1' }`,
 * a double underscore nests (`RRD_BANK_LISTEN__PORT` -> `listen.port`), and of
 * a name ending in `_FILE` the file's trimmed text is the value, so that
 * secrets stay out of the environment. Empty variables count as unset. Only
 * mains call this.
 */
export function readEnv(
  prefix: string,
  env: NodeJS.ProcessEnv = process.env,
): EnvSettings {
  const settings: Settings = {};
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(prefix) || !text) continue;
    const name = variable.slice(prefix.length);
    const secret = name.endsWith('_FILE');
    const path = (secret ? name.slice(0, -'_FILE'.length) : name)
      .split('__')
      .map(camelCase);
    assign(settings, path, secret ? readFileSync(text, 'utf8').trim() : text);
  }
  return settings;
}

interface Settings {
  [name: string]: string | Settings;
}

function assign(into: Settings, path: readonly string[], value: string): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    into[name] = value;
    return;
  }
  const present = into[name];
  const inner = typeof present === 'object' ? present : {};
  into[name] = inner;
  assign(inner, rest, value);
}

function camelCase(name: string): string {
  return name
    .toLowerCase()
    .replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * onnxruntime-node sends usage data to its maker unless this is set. It has to
 * be set in the main thread: native code sees no other thread's environment.
 */
export function refuseTelemetryOfOnnxRuntime(): void {
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
}

/** Of what the AWS SDK reads by itself, the part that we have to know, too. */
export interface AwsEnv {
  /** Another store than Amazon's. */
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
}

export function readAwsEnv(): AwsEnv {
  // A warning of releases to come that will need a newer Node; ours is pinned.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION } = process.env;
  const endpoint = AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL;
  return { endpoint, region: AWS_REGION };
}
