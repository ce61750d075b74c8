// Original file: proto/rrd/v1/memory_bank.proto

import type { QueueState as _rrd_v1_QueueState, QueueState__Output as _rrd_v1_QueueState__Output } from '../../rrd/v1/QueueState.js';
import type { Long } from '@grpc/proto-loader';

export interface SnapshotHeader {
  'state'?: (_rrd_v1_QueueState | null);
  'nextStep'?: (number | string | Long);
}

export interface SnapshotHeader__Output {
  'state': (_rrd_v1_QueueState__Output | null);
  'nextStep': (number);
}
