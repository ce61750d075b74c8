// Original file: proto/rrd/v1/memory_bank.proto

import type { QueueState as _rrd_v1_QueueState, QueueState__Output as _rrd_v1_QueueState__Output } from '../../rrd/v1/QueueState.js';

export interface SnapshotHeader {
  'state'?: (_rrd_v1_QueueState | null);
}

export interface SnapshotHeader__Output {
  'state': (_rrd_v1_QueueState__Output | null);
}
