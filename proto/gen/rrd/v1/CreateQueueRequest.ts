// Original file: proto/rrd/v1/memory_bank.proto

import type { QueueSpec as _rrd_v1_QueueSpec, QueueSpec__Output as _rrd_v1_QueueSpec__Output } from '../../rrd/v1/QueueSpec.js';
import type { QueueMember as _rrd_v1_QueueMember, QueueMember__Output as _rrd_v1_QueueMember__Output } from '../../rrd/v1/QueueMember.js';
import type { Long } from '@grpc/proto-loader';

export interface CreateQueueRequest {
  'spec'?: (_rrd_v1_QueueSpec | null);
  'epoch'?: (number | string | Long);
  'member'?: (_rrd_v1_QueueMember | null);
}

export interface CreateQueueRequest__Output {
  'spec': (_rrd_v1_QueueSpec__Output | null);
  'epoch': (number);
  'member': (_rrd_v1_QueueMember__Output | null);
}
