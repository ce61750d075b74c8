import { TeacherMismatchError } from '#runtime/errors.js';
import type { Handlers } from '#runtime/rpc/server.js';
import { toWire } from '#runtime/rpc/tensor-codec.js';
import type { TeacherContext } from '../context.js';
import { checkMaps, checkOverflow, wireMaps } from './maps.js';
import { outputsOf } from './outputs.js';
import { queuingOf } from './queuing.js';
import { samplesOf } from './samples.js';

type Extract = Handlers<'rrd.v1.TeacherService'>['extract'];

export function extract(context: TeacherContext): Extract {
  return async (request, call) => {
    const { signal } = call;
    const wanted = outputsOf(request);
    const queuing = queuingOf(request, call);
    const model = await context.models.get(request.model);
    const { digest } = model.description;
    const expected = request.teacherDigest;
    if (expected !== '' && expected !== digest) {
      const source = `model ${model.name}`;
      throw new TeacherMismatchError({ source, expected, actual: digest });
    }
    const samples = await samplesOf(
      request,
      model.description,
      context,
      signal,
    );
    const job = { ...samples, ...wanted };
    await checkMaps(job, model);
    const result = await model.run(job, queuing);
    checkOverflow(job, result);
    const { features, logits, embeddings, similarities } = result;
    return {
      teacherDigest: digest,
      ...(features && { features: toWire(features) }),
      ...(logits && { logits: toWire(logits) }),
      ...(embeddings && { embeddings: toWire(embeddings) }),
      ...(similarities && { similarities: toWire(similarities) }),
      maps: wireMaps('maps', job, result),
      preactivations: wireMaps('preactivations', job, result),
    };
  };
}
