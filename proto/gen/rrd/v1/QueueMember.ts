// Original file: proto/rrd/v1/memory_bank.proto

import type { Long } from '@grpc/proto-loader';

export interface QueueMember {
  'runId'?: (string);
  'epoch'?: (number | string | Long);
  'nextStep'?: (number | string | Long);
}

export interface QueueMember__Output {
  'runId': (string);
  'epoch': (number);
  'nextStep': (number);
}
