// Original file: proto/rrd/v1/orchestrator.proto


export interface SubmitRunRequest {
  'runId'?: (string);
  'experimentJson'?: (string);
  'priority'?: (number);
  'user'?: (string);
}

export interface SubmitRunRequest__Output {
  'runId': (string);
  'experimentJson': (string);
  'priority': (number);
  'user': (string);
}
