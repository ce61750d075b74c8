import type { Handlers } from '#runtime/rpc/server.js';
import type { TeacherContext } from '../context.js';
import { datasetOf } from './samples.js';

type Describe = Handlers<'rrd.v1.TeacherService'>['describe'];

export function describe(context: TeacherContext): Describe {
  const { models, config } = context;
  return async (request) => {
    const model = await models.get(request.model);
    const { name, description } = model;
    const { digest, network, featureDim, classCount, imageShape, engine } =
      description;
    if (request.dataset !== '') await datasetOf(request, imageShape, context);
    const shapes = request.mapShapes ? await model.mapShapes('maps') : [];
    return {
      model: name,
      teacherDigest: digest,
      network,
      featureDim,
      classCount,
      imageShape: [...imageShape],
      engine,
      maxBatchSize: config.maxBatchSize,
      mapShapes: shapes.map(([height, width, channels]) => ({
        ...{ height, width, channels },
      })),
    };
  };
}
