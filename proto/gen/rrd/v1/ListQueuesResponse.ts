// Original file: proto/rrd/v1/memory_bank.proto

import type { QueueState as _rrd_v1_QueueState, QueueState__Output as _rrd_v1_QueueState__Output } from '../../rrd/v1/QueueState.js';

export interface ListQueuesResponse {
  'queues'?: (_rrd_v1_QueueState)[];
}

export interface ListQueuesResponse__Output {
  'queues': (_rrd_v1_QueueState__Output)[];
}
