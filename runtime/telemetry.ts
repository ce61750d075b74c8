import { isMainThread } from 'node:worker_threads';
import { NodeSDK, resources } from '@opentelemetry/sdk-node';

/**
 * Traces and metrics, loaded before anything else and configured by OTEL_*
 * alone:
 *
 *     OTEL_SERVICE_NAME=rrd-bank OTEL_EXPORTER_PROMETHEUS_PORT=9464 \
 *     OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 \
 *     node --import ./dist/runtime/telemetry.js ...
 *
 * What is not asked for stays off: no port without a port, no export without
 * an endpoint. Everything else uses @opentelemetry/api only.
 */

const { env } = process;

function asksFor(...names: readonly string[]): boolean {
  return names.some((name) => Boolean(env[name]));
}

/** The SDK's own defaults would export everything to localhost:4318. */
function setDefaults(): void {
  env['OTEL_LOGS_EXPORTER'] ??= 'none';
  env['OTEL_TRACES_EXPORTER'] ??= asksFor(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  )
    ? 'otlp'
    : 'none';
  env['OTEL_METRICS_EXPORTER'] ??= asksFor('OTEL_EXPORTER_PROMETHEUS_PORT')
    ? 'prometheus'
    : 'none';
  env['OTEL_EXPORTER_PROMETHEUS_HOST'] ??= '127.0.0.1';
}

/** The process and host detectors would publish arguments, owner and host id. */
function start(): void {
  setDefaults();
  const sdk = new NodeSDK({ resourceDetectors: [resources.envDetector] });
  sdk.start();
  process.once('beforeExit', () => {
    sdk.shutdown().catch((error: unknown) => {
      console.error('telemetry was not flushed:', error);
    });
  });
}

// Worker threads inherit --import; one exporter a process is enough.
if (isMainThread) start();
