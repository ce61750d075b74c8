import { Command } from 'commander';
import { listCommand, loadCommand, unloadCommand } from './models.js';
import { precomputeCommand } from './precompute.js';
import { quantiseCommand } from './quantise.js';

export const teacherCommand = new Command('teacher')
  .description('the teacher service and its models')
  .addCommand(listCommand)
  .addCommand(loadCommand)
  .addCommand(unloadCommand)
  .addCommand(precomputeCommand)
  .addCommand(quantiseCommand);
