/** Completions for bash, zsh and fish, made from the commands and options that the command line itself has. */
import type { Command, Option } from 'commander';

type Described = { readonly word: string; readonly about: string };

/** A command at its path below the root: what may follow, and which options take which values. */
type Level = {
  readonly path: string;
  readonly commands: readonly Described[];
  readonly options: readonly Described[];
  /** Values of options that have a closed set, by the name of the option. */
  readonly choices: ReadonlyMap<string, readonly string[]>;
  /** Options whose value is a file or free text. */
  readonly valued: readonly string[];
  /** Values of its argument, if they are a closed set. */
  readonly values: readonly string[];
};

export function completions(root: Command, shell: 'bash' | 'zsh' | 'fish'): string {
  const levels = levelsOf(root, '');
  if (shell === 'fish') return fish(levels);
  return shell === 'bash' ? bash(levels) : zsh(levels);
}

const firstSentence = (text: string) => (text.split(/[;:.,] /)[0] ?? '').trim();

function levelsOf(command: Command, path: string): Level[] {
  const help = command.createHelp();
  const options = help.visibleOptions(command);
  const commands = command.commands.map((it) => ({ word: it.name(), about: firstSentence(it.description()) }));
  const level: Level = {
    path,
    commands,
    options: options.flatMap((it) => namesOf(it).map((word) => ({ word, about: firstSentence(it.description) }))),
    choices: new Map(
      options.flatMap((it) => namesOf(it).flatMap((name) => (it.argChoices ? [[name, it.argChoices] as const] : []))),
    ),
    valued: options.filter((it) => it.required && !it.argChoices).flatMap(namesOf),
    values: command.registeredArguments.flatMap((it) => it.argChoices ?? []),
  };
  return [level, ...command.commands.flatMap((it) => levelsOf(it, `${path} ${it.name()}`.trim()))];
}

const namesOf = ({ short, long }: Option) => [short, long].filter((name) => name !== undefined);

/** For all three shells: between single quotes nothing means anything but the quote itself. */
const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const fishQuote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
const wordsOf = (items: readonly Described[]) => items.map(({ word }) => word).join(' ');

/** Cases of a shell: the words that may follow a command, and the values of an option. */
function cases(levels: readonly Level[], indent: string) {
  const words = levels.map(
    ({ path, commands, options, values }) =>
      `${indent}${quote(path)}) words=${quote([wordsOf(commands), ...values, wordsOf(options)].join(' ').trim())} ;;`,
  );
  const chosen = levels.flatMap(({ path, choices }) =>
    [...choices].map(([name, values]) => `${indent}${quote(`${path} ${name}`)}) words=${quote(values.join(' '))} ;;`),
  );
  const valued = levels.flatMap(({ path, valued: names }) => names.map((name) => quote(`${path} ${name}`)));
  const paths = levels.filter(({ path }) => path !== '').map(({ path }) => quote(path));
  return { words: words.join('\n'), chosen: chosen.join('\n'), valued: valued.join('|'), paths: paths.join('|') };
}

function bash(levels: readonly Level[]): string {
  const { words, chosen, valued, paths } = cases(levels, '    ');
  return `# Completions of segmentd for bash: source <(segmentd completions bash)
_segmentd() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} at='' word words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case "\${at:+$at }$word" in
    ${paths}) at="\${at:+$at }$word" ;;
    esac
  done
  COMPREPLY=()
  case "$at $previous" in
    ${valued}) COMPREPLY=($(compgen -f -- "$current")); return ;;
${chosen}
  esac
  if [[ -z $words ]]; then
    case "$at" in
${words}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ $current == -* ]] || COMPREPLY+=($(compgen -f -- "$current"))
}
complete -o filenames -F _segmentd segmentd
`;
}

function zsh(levels: readonly Level[]): string {
  const { words, chosen, valued, paths } = cases(levels, '    ');
  return `#compdef segmentd
# Completions of segmentd for zsh: source <(segmentd completions zsh), after compinit
_segmentd() {
  local -a typed
  local at='' word previous found=''
  typed=("\${(@)words[2,$((CURRENT - 1))]}")
  previous=\${words[$((CURRENT - 1))]}
  for word in "\${typed[@]}"; do
    case "\${at:+$at }$word" in
    (${paths}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at $previous" in
    (${valued}) _files; return ;;
${chosen.replaceAll("words='", "found='").replaceAll(/^( +)'/gm, "$1('")}
  esac
  if [[ -z $found ]]; then
    case "$at" in
${words.replaceAll("words='", "found='").replaceAll(/^( +)'/gm, "$1('")}
    esac
  fi
  compadd -- \${(z)found}
  _files
}
compdef _segmentd segmentd
`;
}

function fish(levels: readonly Level[]): string {
  const lines = levels.flatMap((level) => fishLines(level, levels));
  return ['# Completions of segmentd for fish: segmentd completions fish | source', ...lines, ''].join('\n');
}

function fishLines({ path, commands, options, choices, valued, values }: Level, levels: readonly Level[]): string[] {
  const names = path.split(' ').filter((name) => name !== '');
  const below = levels.find((level) => level.path === path)?.commands.map(({ word }) => word) ?? [];
  const seen = names.map((name) => `__fish_seen_subcommand_from ${name}`);
  const notBelow = below.length > 0 ? [`not __fish_seen_subcommand_from ${below.join(' ')}`] : [];
  const when = fishQuote([...seen, ...notBelow].join('; and '));
  const line = (rest: string) => `complete -c segmentd -n ${when} ${rest}`;
  return [
    ...commands.map(({ word, about }) => line(`-f -a ${fishQuote(word)} -d ${fishQuote(about)}`)),
    ...values.map((value) => line(`-f -a ${fishQuote(value)}`)),
    ...options.map(({ word, about }) => {
      const name = word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
      const chosen = choices.get(word);
      const value = chosen ? ` -x -a ${fishQuote(chosen.join(' '))}` : valued.includes(word) ? ' -r' : '';
      return line(`${name}${value} -d ${fishQuote(about)}`);
    }),
  ];
}
