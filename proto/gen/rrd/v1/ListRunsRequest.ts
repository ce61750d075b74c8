// Original file: proto/rrd/v1/orchestrator.proto


export interface ListRunsRequest {
}

export interface ListRunsRequest__Output {
}
