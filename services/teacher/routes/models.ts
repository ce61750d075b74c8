import type { Handlers } from '#runtime/rpc/server.js';
import type { TeacherContext } from '../context.js';
import type { ModelStatus } from '../models.js';

type Teacher = Handlers<'rrd.v1.TeacherService'>;

export function listModels({ models }: TeacherContext): Teacher['listModels'] {
  return async () => ({ models: (await models.list()).map(wireStatus) });
}

export function loadModel({ models }: TeacherContext): Teacher['loadModel'] {
  return async ({ model }) => {
    const { name, description } = await models.get(model);
    return { status: wireStatus({ name, description }) };
  };
}

export function unloadModel({
  models,
}: TeacherContext): Teacher['unloadModel'] {
  return async ({ model }) => ({ unloaded: await models.unload(model) });
}

function wireStatus({ name, description }: ModelStatus) {
  if (!description) return { model: name, loaded: false };
  const { digest, network, engine } = description;
  return {
    ...{ model: name, loaded: true, teacherDigest: digest, network, engine },
  };
}
