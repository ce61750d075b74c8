// Original file: proto/rrd/v1/orchestrator.proto


export interface PauseRunRequest {
  'runId'?: (string);
}

export interface PauseRunRequest__Output {
  'runId': (string);
}
