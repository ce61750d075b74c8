// Original file: proto/rrd/v1/memory_bank.proto

import type { SnapshotHeader as _rrd_v1_SnapshotHeader, SnapshotHeader__Output as _rrd_v1_SnapshotHeader__Output } from '../../rrd/v1/SnapshotHeader.js';
import type { SnapshotChunk as _rrd_v1_SnapshotChunk, SnapshotChunk__Output as _rrd_v1_SnapshotChunk__Output } from '../../rrd/v1/SnapshotChunk.js';
import type { Delta as _rrd_v1_Delta, Delta__Output as _rrd_v1_Delta__Output } from '../../rrd/v1/Delta.js';
import type { Heartbeat as _rrd_v1_Heartbeat, Heartbeat__Output as _rrd_v1_Heartbeat__Output } from '../../rrd/v1/Heartbeat.js';

export interface SubscribeResponse {
  'snapshot'?: (_rrd_v1_SnapshotHeader | null);
  'chunk'?: (_rrd_v1_SnapshotChunk | null);
  'delta'?: (_rrd_v1_Delta | null);
  'heartbeat'?: (_rrd_v1_Heartbeat | null);
  'message'?: "snapshot"|"chunk"|"delta"|"heartbeat";
}

export interface SubscribeResponse__Output {
  'snapshot'?: (_rrd_v1_SnapshotHeader__Output | null);
  'chunk'?: (_rrd_v1_SnapshotChunk__Output | null);
  'delta'?: (_rrd_v1_Delta__Output | null);
  'heartbeat'?: (_rrd_v1_Heartbeat__Output | null);
  'message'?: "snapshot"|"chunk"|"delta"|"heartbeat";
}
