// Original file: proto/rrd/v1/collective.proto

import type { StepPart as _rrd_v1_StepPart, StepPart__Output as _rrd_v1_StepPart__Output } from '../../rrd/v1/StepPart.js';
import type { MemberHeartbeat as _rrd_v1_MemberHeartbeat, MemberHeartbeat__Output as _rrd_v1_MemberHeartbeat__Output } from '../../rrd/v1/MemberHeartbeat.js';

export interface ExchangeResponse {
  'part'?: (_rrd_v1_StepPart | null);
  'heartbeat'?: (_rrd_v1_MemberHeartbeat | null);
}

export interface ExchangeResponse__Output {
  'part': (_rrd_v1_StepPart__Output | null);
  'heartbeat': (_rrd_v1_MemberHeartbeat__Output | null);
}
