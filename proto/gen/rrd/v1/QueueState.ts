// Original file: proto/rrd/v1/memory_bank.proto

import type { QueueSpec as _rrd_v1_QueueSpec, QueueSpec__Output as _rrd_v1_QueueSpec__Output } from '../../rrd/v1/QueueSpec.js';
import type { QueueMember as _rrd_v1_QueueMember, QueueMember__Output as _rrd_v1_QueueMember__Output } from '../../rrd/v1/QueueMember.js';
import type { Long } from '@grpc/proto-loader';

export interface QueueState {
  'spec'?: (_rrd_v1_QueueSpec | null);
  'epoch'?: (number | string | Long);
  'version'?: (number | string | Long);
  'pointer'?: (number);
  'nextStep'?: (number | string | Long);
  'pendingBatches'?: (number);
  'subscribers'?: (number);
  'members'?: (_rrd_v1_QueueMember)[];
}

export interface QueueState__Output {
  'spec': (_rrd_v1_QueueSpec__Output | null);
  'epoch': (number);
  'version': (number);
  'pointer': (number);
  'nextStep': (number);
  'pendingBatches': (number);
  'subscribers': (number);
  'members': (_rrd_v1_QueueMember__Output)[];
}
