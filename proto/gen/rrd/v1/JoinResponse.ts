// Original file: proto/rrd/v1/collective.proto

import type { Assignment as _rrd_v1_Assignment, Assignment__Output as _rrd_v1_Assignment__Output } from '../../rrd/v1/Assignment.js';
import type { Go as _rrd_v1_Go, Go__Output as _rrd_v1_Go__Output } from '../../rrd/v1/Go.js';
import type { MemberHeartbeat as _rrd_v1_MemberHeartbeat, MemberHeartbeat__Output as _rrd_v1_MemberHeartbeat__Output } from '../../rrd/v1/MemberHeartbeat.js';

export interface JoinResponse {
  'assignment'?: (_rrd_v1_Assignment | null);
  'state'?: (Buffer | Uint8Array | string);
  'go'?: (_rrd_v1_Go | null);
  'heartbeat'?: (_rrd_v1_MemberHeartbeat | null);
  'message'?: "assignment"|"state"|"go"|"heartbeat";
}

export interface JoinResponse__Output {
  'assignment'?: (_rrd_v1_Assignment__Output | null);
  'state'?: (Buffer);
  'go'?: (_rrd_v1_Go__Output | null);
  'heartbeat'?: (_rrd_v1_MemberHeartbeat__Output | null);
  'message'?: "assignment"|"state"|"go"|"heartbeat";
}
