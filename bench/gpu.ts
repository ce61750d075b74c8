import { nvidiaGpus } from '#runtime/compute/doctor.js';
import { cudaDevices, findPyTorch } from './pytorch.js';
import { benchServices } from './services-vs-in-process.js';
import { benchEngines } from './student-step.js';
import { benchTeacherForward, resnet32x4 } from './teacher-forward.js';

/** A batch of the paper's runs, and one that fills a GPU. */
const teacherBatches = [64, 256];

/**
 * `npm run bench -- gpu`: a student's step and a teacher's forward on a GPU by
 * the engine `webgpu`, beside PyTorch on the same GPU: in full float32 as ours,
 * and as it comes (TensorFloat-32). Where PyTorch has no CUDA it runs on the
 * processor, and the ratios are of two different machines. Then the whole step
 * over four processes beside one loop, see services-vs-in-process.
 */
export async function benchGpu(): Promise<object> {
  const { python } = await findPyTorch();
  const gpus = await nvidiaGpus();
  const cuda = await cudaDevices(python);
  const results: Record<string, object> = {};
  for (const peer of cuda.length > 0 ? cuda : (['cpu'] as const)) {
    const sides = { engines: ['webgpu'], halves: [], peer } as const;
    console.log(`${gpus[0]?.name ?? 'no NVIDIA GPU'}, PyTorch on ${peer}`);
    results[`student ${peer}`] = await benchEngines(sides);
    for (const batchSize of teacherBatches)
      results[`teacher ${batchSize} ${peer}`] = await benchTeacherForward(
        sides,
        { ...resnet32x4, batchSize },
      );
  }
  results['services'] = await benchServices('webgpu');
  return { gpus, results };
}
