// Original file: proto/rrd/v1/memory_bank.proto

import type { Long } from '@grpc/proto-loader';

export interface SubscribeRequest {
  'queue'?: (string);
  'fromVersion'?: (number | string | Long);
  'firstSlot'?: (number);
  'runId'?: (string);
  '_fromVersion'?: "fromVersion";
  '_firstSlot'?: "firstSlot";
}

export interface SubscribeRequest__Output {
  'queue': (string);
  'fromVersion'?: (number);
  'firstSlot'?: (number);
  'runId': (string);
  '_fromVersion'?: "fromVersion";
  '_firstSlot'?: "firstSlot";
}
