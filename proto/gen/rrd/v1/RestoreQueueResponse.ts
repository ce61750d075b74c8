// Original file: proto/rrd/v1/memory_bank.proto

import type { QueueState as _rrd_v1_QueueState, QueueState__Output as _rrd_v1_QueueState__Output } from '../../rrd/v1/QueueState.js';

export interface RestoreQueueResponse {
  'state'?: (_rrd_v1_QueueState | null);
}

export interface RestoreQueueResponse__Output {
  'state': (_rrd_v1_QueueState__Output | null);
}
