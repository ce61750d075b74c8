// Original file: proto/rrd/v1/memory_bank.proto

export const QueueInit = {
  QUEUE_INIT_UNSPECIFIED: 'QUEUE_INIT_UNSPECIFIED',
  QUEUE_INIT_ROWS: 'QUEUE_INIT_ROWS',
  QUEUE_INIT_COLUMNS: 'QUEUE_INIT_COLUMNS',
  QUEUE_INIT_UNIFORM: 'QUEUE_INIT_UNIFORM',
} as const;

export type QueueInit =
  | 'QUEUE_INIT_UNSPECIFIED'
  | 0
  | 'QUEUE_INIT_ROWS'
  | 1
  | 'QUEUE_INIT_COLUMNS'
  | 2
  | 'QUEUE_INIT_UNIFORM'
  | 3

export type QueueInit__Output = typeof QueueInit[keyof typeof QueueInit]
