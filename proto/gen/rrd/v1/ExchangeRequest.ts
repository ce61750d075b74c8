// Original file: proto/rrd/v1/collective.proto

import type { ExchangeHeader as _rrd_v1_ExchangeHeader, ExchangeHeader__Output as _rrd_v1_ExchangeHeader__Output } from '../../rrd/v1/ExchangeHeader.js';
import type { StepPart as _rrd_v1_StepPart, StepPart__Output as _rrd_v1_StepPart__Output } from '../../rrd/v1/StepPart.js';

export interface ExchangeRequest {
  'header'?: (_rrd_v1_ExchangeHeader | null);
  'part'?: (_rrd_v1_StepPart | null);
  'message'?: "header"|"part";
}

export interface ExchangeRequest__Output {
  'header'?: (_rrd_v1_ExchangeHeader__Output | null);
  'part'?: (_rrd_v1_StepPart__Output | null);
  'message'?: "header"|"part";
}
