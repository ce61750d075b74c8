// Original file: proto/rrd/v1/teacher.proto


export interface ListModelsRequest {
}

export interface ListModelsRequest__Output {
}
