// Original file: proto/rrd/v1/student.proto


export interface GetStatusRequest {
}

export interface GetStatusRequest__Output {
}
