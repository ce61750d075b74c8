import { isMapName, partsOf } from '#distill/map-names.js';
import type { ModelInferRequest__Output } from '#proto/inference/ModelInferRequest.js';
import type { ModelInferResponse } from '#proto/inference/ModelInferResponse.js';
import type { ExtractResponse } from '#proto/rrd/v1/ExtractResponse.js';
import type { Tensor } from '#proto/rrd/v1/Tensor.js';
import { inferTensorOf, textOf } from '#runtime/rpc/infer-codec.js';
import { mapIndicesOf, outputNamesOf } from './request.js';

/** An answer of our own contract: raw, if the request's contents were. */
export function toInferResponse(
  request: ModelInferRequest__Output,
  response: ExtractResponse,
): ModelInferResponse {
  const typed = request.rawInputContents.length === 0;
  const { teacherDigest = '', features, logits, embeddings } = response;
  const { similarities } = response;
  const rows = { features, logits, embeddings, similarities };
  const tensors = { ...rows, ...mapsOf(request, response) };
  const outputs = Object.entries(tensors).flatMap(([name, tensor]) =>
    tensor ? [inferTensorOf(name, tensor, typed)] : [],
  );
  return {
    modelName: request.modelName,
    modelVersion: '1',
    id: request.id,
    parameters: { rrd_teacher_digest: textOf(teacherDigest) },
    outputs: outputs.map(({ tensor }) => tensor),
    rawOutputContents: typed ? [] : outputs.map(({ raw }) => raw),
  };
}

/** Those that the request names, by their names. */
function mapsOf(
  request: ModelInferRequest__Output,
  response: ExtractResponse,
): Readonly<Record<string, Tensor | undefined>> {
  const names = outputNamesOf(request);
  const indices = mapIndicesOf(names);
  const maps = names.filter(isMapName).map((name) => {
    const { kind, index } = partsOf(name);
    return [name, response[kind]?.[indices.indexOf(index)]] as const;
  });
  return Object.fromEntries(maps);
}
