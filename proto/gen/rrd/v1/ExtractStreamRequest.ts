// Original file: proto/rrd/v1/teacher.proto

import type { ExtractRequest as _rrd_v1_ExtractRequest, ExtractRequest__Output as _rrd_v1_ExtractRequest__Output } from '../../rrd/v1/ExtractRequest.js';

export interface ExtractStreamRequest {
  'request'?: (_rrd_v1_ExtractRequest | null);
  'traceparent'?: (string);
  'deadlineMs'?: (number);
}

export interface ExtractStreamRequest__Output {
  'request': (_rrd_v1_ExtractRequest__Output | null);
  'traceparent': (string);
  'deadlineMs': (number);
}
