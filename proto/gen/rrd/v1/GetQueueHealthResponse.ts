// Original file: proto/rrd/v1/memory_bank.proto

import type { QueueState as _rrd_v1_QueueState, QueueState__Output as _rrd_v1_QueueState__Output } from '../../rrd/v1/QueueState.js';
import type { QueueHealth as _rrd_v1_QueueHealth, QueueHealth__Output as _rrd_v1_QueueHealth__Output } from '../../rrd/v1/QueueHealth.js';

export interface GetQueueHealthResponse {
  'state'?: (_rrd_v1_QueueState | null);
  'health'?: (_rrd_v1_QueueHealth | null);
}

export interface GetQueueHealthResponse__Output {
  'state': (_rrd_v1_QueueState__Output | null);
  'health': (_rrd_v1_QueueHealth__Output | null);
}
