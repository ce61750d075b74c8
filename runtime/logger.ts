import { isSpanContextValid, trace } from '@opentelemetry/api';
import { destination, pino, type DestinationStream, type Level } from 'pino';

export type { Logger } from 'pino';

export interface LoggerOptions {
  /** Least severe level written; default `info`. */
  level?: Level | 'silent';
  /** Default: standard error, so that standard output stays for results. */
  to?: DestinationStream;
}

/** JSON lines named after a service, carrying the ids of the active trace. */
export function createLogger(name: string, options: LoggerOptions = {}) {
  const { level = 'info', to = destination(2) } = options;
  return pino(
    { name, level, mixin: traceIds, timestamp: pino.stdTimeFunctions.isoTime },
    to,
  );
}

function traceIds(): Record<string, string> {
  const span = trace.getActiveSpan()?.spanContext();
  if (span === undefined || !isSpanContextValid(span)) return {};
  return { trace_id: span.traceId, span_id: span.spanId };
}
