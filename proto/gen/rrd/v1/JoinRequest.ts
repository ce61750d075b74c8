// Original file: proto/rrd/v1/collective.proto

import type { Hello as _rrd_v1_Hello, Hello__Output as _rrd_v1_Hello__Output } from '../../rrd/v1/Hello.js';
import type { Ready as _rrd_v1_Ready, Ready__Output as _rrd_v1_Ready__Output } from '../../rrd/v1/Ready.js';
import type { MemberHeartbeat as _rrd_v1_MemberHeartbeat, MemberHeartbeat__Output as _rrd_v1_MemberHeartbeat__Output } from '../../rrd/v1/MemberHeartbeat.js';
import type { Broken as _rrd_v1_Broken, Broken__Output as _rrd_v1_Broken__Output } from '../../rrd/v1/Broken.js';
import type { WeightsDigest as _rrd_v1_WeightsDigest, WeightsDigest__Output as _rrd_v1_WeightsDigest__Output } from '../../rrd/v1/WeightsDigest.js';

export interface JoinRequest {
  'hello'?: (_rrd_v1_Hello | null);
  'ready'?: (_rrd_v1_Ready | null);
  'heartbeat'?: (_rrd_v1_MemberHeartbeat | null);
  'broken'?: (_rrd_v1_Broken | null);
  'digest'?: (_rrd_v1_WeightsDigest | null);
  'message'?: "hello"|"ready"|"heartbeat"|"broken"|"digest";
}

export interface JoinRequest__Output {
  'hello'?: (_rrd_v1_Hello__Output | null);
  'ready'?: (_rrd_v1_Ready__Output | null);
  'heartbeat'?: (_rrd_v1_MemberHeartbeat__Output | null);
  'broken'?: (_rrd_v1_Broken__Output | null);
  'digest'?: (_rrd_v1_WeightsDigest__Output | null);
  'message'?: "hello"|"ready"|"heartbeat"|"broken"|"digest";
}
