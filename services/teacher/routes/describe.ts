import type { Handlers } from '#runtime/rpc/server.js';
import type { TeacherContext } from '../context.js';

type Describe = Handlers<'rrd.v1.TeacherService'>['describe'];

export function describe({ models, config }: TeacherContext): Describe {
  return async (request) => {
    const { name, description } = await models.get(request.model);
    const { digest, network, featureDim, classCount, imageShape, engine } =
      description;
    return {
      model: name,
      teacherDigest: digest,
      network,
      featureDim,
      classCount,
      imageShape: [...imageShape],
      engine,
      maxBatchSize: config.maxBatchSize,
    };
  };
}
