// Original file: proto/rrd/v1/collective.proto

import type { GroupMember as _rrd_v1_GroupMember, GroupMember__Output as _rrd_v1_GroupMember__Output } from '../../rrd/v1/GroupMember.js';
import type { QueuePlace as _rrd_v1_QueuePlace, QueuePlace__Output as _rrd_v1_QueuePlace__Output } from '../../rrd/v1/QueuePlace.js';
import type { Long } from '@grpc/proto-loader';

export interface Assignment {
  'generation'?: (number | string | Long);
  'step'?: (number | string | Long);
  'members'?: (_rrd_v1_GroupMember)[];
  'index'?: (number);
  'stateBytes'?: (number | string | Long);
  'teacherDigest'?: (string);
  'queue'?: (_rrd_v1_QueuePlace | null);
  '_teacherDigest'?: "teacherDigest";
}

export interface Assignment__Output {
  'generation': (number);
  'step': (number);
  'members': (_rrd_v1_GroupMember__Output)[];
  'index': (number);
  'stateBytes': (number);
  'teacherDigest'?: (string);
  'queue': (_rrd_v1_QueuePlace__Output | null);
  '_teacherDigest'?: "teacherDigest";
}
