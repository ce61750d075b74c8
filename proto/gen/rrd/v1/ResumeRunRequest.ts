// Original file: proto/rrd/v1/orchestrator.proto


export interface ResumeRunRequest {
  'runId'?: (string);
}

export interface ResumeRunRequest__Output {
  'runId': (string);
}
