import { Metadata, status as Code, type ServiceError } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { DomainError } from '../errors.js';
import {
  BankBacklogError,
  DeadlineExceededError,
  InternalError,
  QueueNotFoundError,
  RemoteError,
  ServiceUnavailableError,
} from '../errors.js';
import { fromServiceError, toStatus } from './status.js';

const peer = {
  service: 's',
  method: 'M',
  address: 'a:1',
  deadlineMs: 10,
  waitedMs: 5,
};

function received(code: Code, metadata = new Metadata()): DomainError {
  const error = Object.assign(new Error(), { code, details: 'text', metadata });
  return fromServiceError(error satisfies ServiceError, peer);
}

describe('status', () => {
  it('brings class, fields and cause-free text across', () => {
    const cause = new Error('local');
    const sent = new BankBacklogError({ pendingSteps: 4 }, { cause });
    const { code, metadata, details } = toStatus(sent);
    expect(code).toBe(Code.RESOURCE_EXHAUSTED);
    expect(details).toBe(sent.message);
    const rebuilt = received(code, metadata);
    expect(rebuilt).toBeInstanceOf(BankBacklogError);
    expect(rebuilt).toMatchObject({
      metadata: { pendingSteps: '4' },
      retryAfterMs: 100,
    });
    expect(rebuilt.cause).toBeUndefined();
  });

  it('hides what it does not know', () => {
    const { code, details } = toStatus(new Error('secret'));
    expect(code).toBe(Code.INTERNAL);
    expect(details).toBe(new InternalError({}).message);
  });

  it('keeps trailers small whatever the fields hold', () => {
    const sent = new QueueNotFoundError({ queue: 'ü'.repeat(1e5) });
    const { metadata, details } = toStatus(sent);
    const [bytes] = metadata.get('grpc-status-details-bin');
    expect(bytes?.length).toBeLessThan(4096);
    expect(details.length).toBeLessThanOrEqual(1024);
  });

  it.each([
    [Code.UNAVAILABLE, ServiceUnavailableError],
    [Code.CANCELLED, ServiceUnavailableError],
    [Code.DEADLINE_EXCEEDED, DeadlineExceededError],
    [Code.UNIMPLEMENTED, RemoteError],
  ])('without details, code %i has a class too', (code, expected) => {
    expect(received(code)).toBeInstanceOf(expected);
  });

  it('survives details that are not ours', () => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from([255, 255, 1]));
    expect(received(Code.INTERNAL, metadata)).toBeInstanceOf(RemoteError);
  });
});
