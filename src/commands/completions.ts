import { Argument, Command } from 'commander';
import type { Invocation } from './terminal/io.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** `root`: all commands, which the completions are made from. */
export function completionsCommand(io: Invocation, root: () => Command): Command {
  return new Command('completions')
    .description('print completions for a shell, such as `source <(segmentd completions bash)`')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action(async (shell: (typeof SHELLS)[number]) => {
      const { completions } = await import('./terminal/shell-completions.ts');
      io.stdout.write(completions(root(), shell));
    });
}
