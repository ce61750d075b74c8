// Original file: proto/rrd/v1/orchestrator.proto

import type { Run as _rrd_v1_Run, Run__Output as _rrd_v1_Run__Output } from '../../rrd/v1/Run.js';

export interface ResumeRunResponse {
  'run'?: (_rrd_v1_Run | null);
}

export interface ResumeRunResponse__Output {
  'run': (_rrd_v1_Run__Output | null);
}
