import { Command } from 'commander';
import { connect, type RpcClient } from '#runtime/rpc/client.js';
import {
  jsonOption,
  teacherOption,
  tlsCaOption,
  tlsIdentityOption,
  tlsOf,
  type TeacherFlags,
} from '../../options.js';
import { table } from '../../text.js';

type Teacher = RpcClient<'rrd.v1.TeacherService'>;
type Flags = TeacherFlags & { readonly json?: boolean };

/** Loading reads files and compiles; unloading waits for batches under way. */
const patience = { deadlineMs: 300_000 };

export const listCommand = command(
  'list',
  'the models it has, and the loaded',
).action((flags: Flags) =>
  asking(flags, async (teacher) => {
    const { models } = await teacher.listModels({});
    if (flags.json) return JSON.stringify(models);
    const rows = models.map(({ model, loaded, network, engine, ...rest }) =>
      loaded
        ? [model, network, engine, rest.teacherDigest.slice(0, 12)]
        : [model, 'not loaded', '', ''],
    );
    return table(['model', 'network', 'engine', 'digest'], rows);
  }),
);

export const loadCommand = command('load', 'load a model ahead of its use')
  .argument('<model>', 'a folder of its model folder')
  .action((model: string, flags: Flags) =>
    asking(flags, async (teacher) => {
      const { status } = await teacher.loadModel({ model }, patience);
      if (flags.json) return JSON.stringify(status);
      return `${model}: ${status?.network}, ${status?.engine}`;
    }),
  );

export const unloadCommand = command(
  'unload',
  'give a model back; its files are read anew when it is asked for again',
)
  .argument('<model>', 'a folder of its model folder')
  .action((model: string, flags: Flags) =>
    asking(flags, async (teacher) => {
      const answer = await teacher.unloadModel({ model }, patience);
      if (flags.json) return JSON.stringify(answer);
      return `${model}: ${answer.unloaded ? 'unloaded' : 'was not loaded'}`;
    }),
  );

function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(teacherOption())
    .addOption(tlsCaOption)
    .addOption(tlsIdentityOption)
    .addOption(jsonOption);
}

/** Prints what `ask` makes of the teacher that the flags name. */
async function asking(
  flags: TeacherFlags,
  ask: (teacher: Teacher) => Promise<string>,
): Promise<void> {
  const teacher = connect('rrd.v1.TeacherService', flags.teacher, {
    tls: tlsOf(flags),
  });
  try {
    console.log(await ask(teacher));
  } finally {
    teacher.close();
  }
}
