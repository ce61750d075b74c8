import { fileURLToPath } from 'node:url';

/** The folder of package.json: the parent of dist/, where this file runs. */
export const packageRoot = fileURLToPath(new URL('../../', import.meta.url));
