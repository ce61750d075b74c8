import { Metadata, status as Code, type ServiceError } from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';
import type { Any } from '#proto/google/protobuf/Any.js';
import type {
  ErrorInfo,
  ErrorInfo__Output,
} from '#proto/google/rpc/ErrorInfo.js';
import type { RetryInfo } from '#proto/google/rpc/RetryInfo.js';
import type { Status, Status__Output } from '#proto/google/rpc/Status.js';
import {
  DeadlineExceededError,
  DomainError,
  InternalError,
  RemoteError,
  ServiceUnavailableError,
  rebuildError,
} from '../errors.js';
import { contract } from './contract.js';

/**
 * DomainError <-> gRPC status, in this file only. The trailer
 * `grpc-status-details-bin` carries google.rpc.Status with an ErrorInfo of
 * domain `rrd` and, where a retry may help, a RetryInfo.
 */

const trailer = 'grpc-status-details-bin';
const domain = 'rrd';
/** Trailers travel as headers, whose size peers limit. */
const maxValueLength = 512;
const maxMessageLength = 1024;

/** What a caller knows of its call when it fails. */
export interface Peer {
  service: string;
  method: string;
  address: string;
  deadlineMs: number;
  waitedMs: number;
}

export interface StatusResponse {
  code: Code;
  details: string;
  metadata: Metadata;
}

/** What goes on the wire; anything that is no DomainError becomes INTERNAL. */
export function toStatus(error: unknown): StatusResponse {
  const status = statusOf(error);
  const metadata = new Metadata();
  metadata.set(
    trailer,
    message<Status, Status__Output>('google.rpc.Status').serialize(status),
  );
  return { code: status.code, details: status.message, metadata };
}

/** The same as a message: why one request of a stream failed. */
export function statusOf(error: unknown) {
  const known = error instanceof DomainError ? error : new InternalError({});
  return {
    code: Code[known.status],
    message: known.message.slice(0, maxMessageLength),
    details: details(known),
  } satisfies Status;
}

/** The class that the server threw; a class of our own where it sent none. */
export function fromServiceError(error: ServiceError, peer: Peer): DomainError {
  return (
    rebuilt(error.metadata) ?? withoutDetails(error.code, error.details, peer)
  );
}

function details(error: DomainError): Any[] {
  const metadata = Object.fromEntries(
    Object.entries(error.metadata).map(([key, value]) => [
      key,
      value.slice(0, maxValueLength),
    ]),
  );
  const info: ErrorInfo = { reason: error.reason, domain, metadata };
  const details = [packed('google.rpc.ErrorInfo', info)];
  if (error.retryAfterMs !== undefined) {
    const retryDelay = {
      seconds: Math.floor(error.retryAfterMs / 1000),
      nanos: (error.retryAfterMs % 1000) * 1e6,
    };
    const retryInfo: RetryInfo = { retryDelay };
    details.push(packed('google.rpc.RetryInfo', retryInfo));
  }
  return details;
}

function rebuilt(metadata: Metadata): DomainError | undefined {
  const [bytes] = metadata.get(trailer);
  if (!Buffer.isBuffer(bytes)) return undefined;
  try {
    const info = errorInfo(bytes);
    return info && rebuildError(info.reason, info.metadata);
  } catch {
    // Not ours to read: the status code still says what happened.
    return undefined;
  }
}

function errorInfo(bytes: Buffer): ErrorInfo__Output | undefined {
  const status = message<Status, Status__Output>('google.rpc.Status');
  const info = message<ErrorInfo, ErrorInfo__Output>('google.rpc.ErrorInfo');
  return status
    .deserialize(bytes)
    .details.filter(({ type_url }) =>
      type_url.endsWith('/google.rpc.ErrorInfo'),
    )
    .map(({ value }) => info.deserialize(value))
    .find((candidate) => candidate.domain === domain);
}

function withoutDetails(code: Code, text: string, peer: Peer): DomainError {
  const { service, method, address, deadlineMs, waitedMs } = peer;
  // CANCELLED by anyone but the caller: the server cut the connection.
  if (code === Code.UNAVAILABLE || code === Code.CANCELLED) {
    return new ServiceUnavailableError({ service, address, waitedMs });
  }
  if (code === Code.DEADLINE_EXCEEDED) {
    return new DeadlineExceededError({ service, method, deadlineMs });
  }
  const details = text.slice(0, maxMessageLength);
  return new RemoteError({ service, method, code: Code[code], details });
}

function message<Input, Output>(name: string) {
  const definition: unknown = contract()[name];
  return definition as MessageTypeDefinition<Input, Output>;
}

function packed<Input>(name: string, value: Input): Any {
  return {
    type_url: `type.googleapis.com/${name}`,
    value: message<Input, unknown>(name).serialize(value),
  };
}
