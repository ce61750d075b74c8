// Original file: proto/rrd/v1/memory_bank.proto

import type { QueueState as _rrd_v1_QueueState, QueueState__Output as _rrd_v1_QueueState__Output } from '../../rrd/v1/QueueState.js';
import type { Tensor as _rrd_v1_Tensor, Tensor__Output as _rrd_v1_Tensor__Output } from '../../rrd/v1/Tensor.js';

export interface GatherRowsResponse {
  'state'?: (_rrd_v1_QueueState | null);
  'rows'?: (_rrd_v1_Tensor | null);
  'message'?: "state"|"rows";
}

export interface GatherRowsResponse__Output {
  'state'?: (_rrd_v1_QueueState__Output | null);
  'rows'?: (_rrd_v1_Tensor__Output | null);
  'message'?: "state"|"rows";
}
