// Original file: proto/rrd/v1/memory_bank.proto

import type { Long } from '@grpc/proto-loader';

export interface DeleteQueueRequest {
  'queue'?: (string);
  'epoch'?: (number | string | Long);
  'runId'?: (string);
  '_epoch'?: "epoch";
}

export interface DeleteQueueRequest__Output {
  'queue': (string);
  'epoch'?: (number);
  'runId': (string);
  '_epoch'?: "epoch";
}
