// Original file: proto/rrd/v1/run.proto

import type { RunPhase as _rrd_v1_RunPhase, RunPhase__Output as _rrd_v1_RunPhase__Output } from '../../rrd/v1/RunPhase.js';
import type { RunProgress as _rrd_v1_RunProgress, RunProgress__Output as _rrd_v1_RunProgress__Output } from '../../rrd/v1/RunProgress.js';
import type { RunResult as _rrd_v1_RunResult, RunResult__Output as _rrd_v1_RunResult__Output } from '../../rrd/v1/RunResult.js';
import type { RunFailure as _rrd_v1_RunFailure, RunFailure__Output as _rrd_v1_RunFailure__Output } from '../../rrd/v1/RunFailure.js';
import type { Long } from '@grpc/proto-loader';

export interface Run {
  'runId'?: (string);
  'phase'?: (_rrd_v1_RunPhase);
  'experimentJson'?: (string);
  'worker'?: (string);
  'progress'?: (_rrd_v1_RunProgress | null);
  'result'?: (_rrd_v1_RunResult | null);
  'failure'?: (_rrd_v1_RunFailure | null);
  'createdMs'?: (number | string | Long);
  'updatedMs'?: (number | string | Long);
  'revision'?: (number | string | Long);
  'attempt'?: (number);
  'retries'?: (number);
  'priority'?: (number);
  'user'?: (string);
  'place'?: (number);
}

export interface Run__Output {
  'runId': (string);
  'phase': (_rrd_v1_RunPhase__Output);
  'experimentJson': (string);
  'worker': (string);
  'progress': (_rrd_v1_RunProgress__Output | null);
  'result': (_rrd_v1_RunResult__Output | null);
  'failure': (_rrd_v1_RunFailure__Output | null);
  'createdMs': (number);
  'updatedMs': (number);
  'revision': (number);
  'attempt': (number);
  'retries': (number);
  'priority': (number);
  'user': (string);
  'place': (number);
}
