// Original file: proto/rrd/v1/teacher.proto

import type { StreamOpened as _rrd_v1_StreamOpened, StreamOpened__Output as _rrd_v1_StreamOpened__Output } from '../../rrd/v1/StreamOpened.js';
import type { ExtractResponse as _rrd_v1_ExtractResponse, ExtractResponse__Output as _rrd_v1_ExtractResponse__Output } from '../../rrd/v1/ExtractResponse.js';
import type { Status as _google_rpc_Status, Status__Output as _google_rpc_Status__Output } from '../../google/rpc/Status.js';

export interface ExtractStreamResponse {
  'opened'?: (_rrd_v1_StreamOpened | null);
  'response'?: (_rrd_v1_ExtractResponse | null);
  'failure'?: (_google_rpc_Status | null);
  'message'?: "opened"|"response"|"failure";
}

export interface ExtractStreamResponse__Output {
  'opened'?: (_rrd_v1_StreamOpened__Output | null);
  'response'?: (_rrd_v1_ExtractResponse__Output | null);
  'failure'?: (_google_rpc_Status__Output | null);
  'message'?: "opened"|"response"|"failure";
}
