import type { Datasets } from '#runtime/data/index.js';
import type { TeacherConfig } from './config.js';
import type { Models } from './models.js';

/** What the routes work with. */
export interface TeacherContext {
  readonly config: TeacherConfig;
  readonly models: Models;
  readonly datasets: Datasets;
}
