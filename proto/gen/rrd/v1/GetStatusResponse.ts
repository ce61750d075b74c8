// Original file: proto/rrd/v1/student.proto

import type { RunPhase as _rrd_v1_RunPhase, RunPhase__Output as _rrd_v1_RunPhase__Output } from '../../rrd/v1/RunPhase.js';
import type { RunProgress as _rrd_v1_RunProgress, RunProgress__Output as _rrd_v1_RunProgress__Output } from '../../rrd/v1/RunProgress.js';

export interface GetStatusResponse {
  'worker'?: (string);
  'engine'?: (string);
  'runId'?: (string);
  'phase'?: (_rrd_v1_RunPhase);
  'progress'?: (_rrd_v1_RunProgress | null);
}

export interface GetStatusResponse__Output {
  'worker': (string);
  'engine': (string);
  'runId': (string);
  'phase': (_rrd_v1_RunPhase__Output);
  'progress': (_rrd_v1_RunProgress__Output | null);
}
