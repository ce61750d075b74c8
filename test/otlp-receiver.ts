import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A span as OTLP/HTTP JSON has it, with the name of its service. */
export interface Span {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId?: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly links?: readonly { readonly spanId: string }[];
}

interface Attribute {
  readonly key: string;
  readonly value: { stringValue?: string; intValue?: number };
}

interface ExportRequest {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: { spans: Omit<Span, 'service'>[] }[];
  }[];
}

/** Takes what exporters send to `OTEL_EXPORTER_OTLP_ENDPOINT`. */
export interface OtlpReceiver extends AsyncDisposable {
  readonly url: string;
  /** Grows as spans arrive. */
  readonly spans: readonly Span[];
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: Span[] = [];
  const server = createServer((request, response) => {
    json(request).then(
      (body) => {
        spans.push(...spansOf(body as ExportRequest));
        response.setHeader('content-type', 'application/json').end('{}');
      },
      () => response.writeHead(400).end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function spansOf({ resourceSpans }: ExportRequest): Span[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const name = attribute(resource.attributes, 'service.name');
    const service = name?.stringValue ?? '';
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({ ...span, service })),
    );
  });
}

export function attribute(attributes: readonly Attribute[], key: string) {
  return attributes.find((candidate) => candidate.key === key)?.value;
}

/** The spans below `parent`, indented, with start and duration in ms. */
export function drawTree(spans: readonly Span[], root: Span): string {
  const zero = BigInt(root.startTimeUnixNano);
  const draw = (span: Span, depth: number): string[] => {
    const children = spans
      .filter(({ parentSpanId }) => parentSpanId === span.spanId)
      .sort((a, b) => Number(startOf(a) - startOf(b)));
    return [
      lineOf(span, depth, zero) + linksOf(span, spans),
      ...children.flatMap((child) => draw(child, depth + 1)),
    ];
  };
  return draw(root, 0).join('\n');
}

const startOf = ({ startTimeUnixNano }: Span) => BigInt(startTimeUnixNano);
const kinds: Record<number, string> = { 2: 'server', 3: 'client' };

function lineOf(span: Span, depth: number, zero: bigint): string {
  const { service, name, kind, endTimeUnixNano } = span;
  const start = startOf(span);
  const ms = (nanos: bigint) => (Number(nanos) / 1e6).toFixed(1).padStart(7);
  const title = `${'  '.repeat(depth)}${name} ${kinds[kind] ?? ''}`.trimEnd();
  const times = ms(start - zero) + ms(BigInt(endTimeUnixNano) - start);
  return `${service.padEnd(12)}${times}  ${title}`;
}

function linksOf({ links = [] }: Span, spans: readonly Span[]): string {
  const linked = spans.filter((span) =>
    links.some(({ spanId }) => spanId === span.spanId),
  );
  return linked.map(({ service }) => `  -> ${service}'s span`).join('');
}
