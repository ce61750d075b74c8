import { describe, expect, it } from 'vitest';
import * as exported from './errors.js';
import { DomainError, rebuildError } from './errors.js';

const classes = Object.values(exported).filter(
  (value): value is typeof exported.InternalError => 'reason' in value,
);

describe('errors', () => {
  it('are rebuilt from their reason, every class of them', () => {
    const rebuilt = classes.map((errorClass) =>
      rebuildError(errorClass.reason, {}),
    );
    expect(rebuilt.map((error) => error?.constructor)).toEqual(classes);
    expect(classes.length).toBeGreaterThan(30);
  });

  it('have reasons of their own', () => {
    const reasons = classes.map(({ reason }) => reason);
    expect(new Set(reasons).size).toBe(reasons.length);
  });

  it('of unknown reasons are not rebuilt', () => {
    expect(rebuildError('NO_SUCH_REASON', {})).toBeUndefined();
  });

  it('keep their fields as texts', () => {
    const error = new exported.BatchShapeError({
      field: 'rows',
      expected: 2,
      actual: 3,
    });
    expect(error).toBeInstanceOf(DomainError);
    expect(rebuildError(error.reason, error.metadata)).toEqual(error);
    expect(error.metadata.actual).toBe('3');
  });
});
