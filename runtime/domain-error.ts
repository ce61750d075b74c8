export type ErrorStatus =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'FAILED_PRECONDITION'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'OUT_OF_RANGE'
  | 'ABORTED'
  | 'UNAVAILABLE'
  | 'DEADLINE_EXCEEDED'
  | 'CANCELLED'
  | 'DATA_LOSS'
  | 'INTERNAL';

export type ErrorMetadata = Readonly<Record<string, string>>;

export abstract class DomainError extends Error {
  abstract readonly reason: string;
  abstract readonly status: ErrorStatus;
  abstract readonly metadata: ErrorMetadata;
  /** Set exactly when the same call may succeed after this delay. */
  abstract readonly retryAfterMs: number | undefined;
}

interface Definition<Field extends string> {
  reason: string;
  status: ErrorStatus;
  text: (metadata: Readonly<Record<Field, string>>) => string;
  retryAfterMs?: number;
}

type Value = string | number | bigint | boolean;

/**
 * The base class of one error: fields in, text and metadata out. The classes
 * themselves are in errors.ts.
 */
export function domainError<Field extends string>(
  definition: Definition<Field>,
) {
  return class extends DomainError {
    static readonly reason = definition.reason;
    readonly reason = definition.reason;
    readonly status = definition.status;
    readonly retryAfterMs = definition.retryAfterMs;
    readonly metadata: Readonly<Record<Field, string>>;

    constructor(
      fields: Readonly<Record<Field, Value>>,
      options?: ErrorOptions,
    ) {
      const metadata = Object.fromEntries(
        Object.entries<Value>(fields).map(([key, value]) => [
          key,
          String(value),
        ]),
      ) as Record<Field, string>;
      super(definition.text(metadata), options);
      this.name = new.target.name;
      this.metadata = metadata;
    }
  };
}
