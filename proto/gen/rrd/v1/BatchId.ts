// Original file: proto/rrd/v1/memory_bank.proto

import type { Long } from '@grpc/proto-loader';

export interface BatchId {
  'runId'?: (string);
  'step'?: (number | string | Long);
  'rank'?: (number);
}

export interface BatchId__Output {
  'runId': (string);
  'step': (number);
  'rank': (number);
}
