import { Argument, Command } from 'commander';
import { serveAllCommand } from './serve-all.js';

const roles = ['teacher', 'memory-bank', 'student', 'orchestrator'] as const;
type Role = (typeof roles)[number];

const mains: Record<Role, () => Promise<unknown>> = {
  teacher: () => import('../../services/teacher/main.js'),
  'memory-bank': () => import('../../services/memory-bank/main.js'),
  student: () => import('../../services/student/main.js'),
  orchestrator: () => import('../../services/orchestrator/main.js'),
};

export const serveCommand = new Command('serve')
  .description(
    'run one service in this process, configured by RRD_* (docs/services.md)',
  )
  .addArgument(new Argument('<role>').choices(roles))
  .action(async (role: Role) => {
    await mains[role]();
  })
  .addCommand(serveAllCommand);
