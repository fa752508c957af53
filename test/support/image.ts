/** What a Dockerfile builds, without a container engine: its own commands run in folders, each of which is the root of a stage. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statfsSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

/** More than the packages for development take. */
const BUILD_BYTES = 3_000_000_000;

/** What the last stage of a Dockerfile describes. */
export interface Image {
  /** The root of its files, without those of the image that it is based on. */
  readonly root: string;
  readonly user: string;
  readonly healthcheck: readonly string[];
  /** Runs a command in the image: as its user, on a read-only root, with `/data` and `/tmp` to write in. */
  run(command: readonly string[], settings?: Readonly<Record<string, string>>): ChildProcess;
  /** Starts it, with these arguments in place of its own. */
  start(settings: Readonly<Record<string, string>>, args?: readonly string[]): ChildProcess;
  remove(): void;
}

interface Stage {
  readonly root: string;
  /** Names of the system's folders that stand for those of the base image. */
  readonly system: Set<string>;
  readonly environment: Record<string, string>;
  workdir: string;
  user: string;
  entrypoint: readonly string[];
  command: readonly string[];
  healthcheck: readonly string[];
}

/**
 * Runs the instructions of a Dockerfile.
 * @param context the folder that `docker build` is given
 * @throws for an instruction, or a form of one, that is not among those that our files use
 */
export function buildImage(file: string, context: string): Image {
  const folder = mkdtempSync(join(roomyFolder(), 'accepted-image-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    return toImage(runStages(file, context, folder), remove);
  } catch (error) {
    remove();
    throw error;
  }
}

function runStages(file: string, context: string, folder: string): Stage {
  const sent = sendContext(context, join(folder, 'context'));
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, keyword = '', text = ''] = /^([A-Z]+) (.*[^\\])$/.exec(line) ?? [];
    if (keyword === 'ARG' || keyword === 'EXPOSE' || keyword === 'VOLUME') continue;
    if (keyword === 'FROM') {
      const [, name = 'last'] = /^\S+ AS (\w+)$/.exec(text) ?? [];
      const root = join(folder, name);
      mkdirSync(root);
      stage = {
        root,
        system: linkSystem(root),
        environment: {},
        workdir: '/',
        user: '',
        entrypoint: [],
        command: [],
        healthcheck: [],
      };
      stages.set(name, stage);
    } else if (stage !== undefined) {
      runInstruction(keyword, text, stage, (name) => (name === undefined ? sent : stages.get(name)?.root));
    }
  }
  if (stage === undefined) throw new Error(`${file} has no FROM`);
  if (!existsSync(join(stage.root, 'data'))) throw new Error(`${file} has no folder /data`);
  return stage;
}

/** Where tens of thousands of small files are soon written and removed: in memory, if there is room. */
function roomyFolder(): string {
  if (!existsSync('/dev/shm')) return tmpdir();
  const { bavail, bsize } = statfsSync('/dev/shm');
  return bavail * bsize > BUILD_BYTES ? '/dev/shm' : tmpdir();
}

/** Copies what `.dockerignore` leaves: all, or where that begins with `*`, what it names with `!`. */
function sendContext(context: string, to: string): string {
  const file = join(context, '.dockerignore');
  const rules = existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((rule) => /^[^#]/.test(rule))
    : [];
  const names = rules[0] === '*' ? rules.slice(1).map((rule) => rule.replace(/^!/, '')) : readdirSync(context);
  const kept = names.filter((name) => existsSync(join(context, name)) && !rules.includes(name));
  for (const name of kept) cpSync(join(context, name), join(to, name), { recursive: true });
  return to;
}

/** Makes the places where the system's folders are mounted. */
function linkSystem(root: string): Set<string> {
  const entries = readdirSync('/', { withFileTypes: true });
  for (const { name } of entries.filter((entry) => entry.isSymbolicLink()))
    symlinkSync(readlinkSync(`/${name}`), join(root, name));
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  for (const name of folders) mkdirSync(join(root, name));
  return new Set(folders);
}

/** Where a path of the image is, which has none of the system's files. */
function ownPath({ root, system }: Stage, path: string): string {
  system.delete(path.split('/')[1] ?? '');
  return join(root, path);
}

function runInstruction(
  keyword: string,
  text: string,
  stage: Stage,
  rootOf: (name: string | undefined) => string | undefined,
): void {
  switch (keyword) {
    case 'WORKDIR':
      stage.workdir = text;
      mkdirSync(ownPath(stage, text), { recursive: true });
      return;
    case 'ENV':
      for (const [, name = '', value = ''] of text.matchAll(/(\w+)=(\S+)/g)) stage.environment[name] = value;
      return;
    case 'USER':
      stage.user = text;
      return;
    case 'COPY':
      copy(text, stage, rootOf);
      return;
    case 'RUN':
      execFileSync('unshare', enter(stage, ['sh', '-c', text], 'build'), {
        env: { ...process.env, ...stage.environment, PATH: pathOf() },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      return;
    case 'ENTRYPOINT':
      stage.entrypoint = toWords(text);
      return;
    case 'CMD':
      stage.command = toWords(text);
      return;
    case 'HEALTHCHECK':
      stage.healthcheck = toWords(text.replace(/^(--\S+ )*CMD /, ''));
      return;
    default:
      throw new Error(`the instruction ${keyword} ${text} is not known here`);
  }
}

function toWords(json: string): readonly string[] {
  const words: unknown = JSON.parse(json);
  if (Array.isArray(words) && words.every((word) => typeof word === 'string')) return words;
  throw new Error(`${json} would run in a shell, which does not pass signals on`);
}

/** COPY [--from=STAGE] [--chown=USER] SOURCE… TARGET */
function copy(text: string, stage: Stage, rootOf: (name: string | undefined) => string | undefined): void {
  const words = text.split(' ');
  const from = rootOf(/--from=(\w+)/.exec(text)?.[1]);
  if (from === undefined) throw new Error(`COPY ${text}: there is no such stage`);
  const paths = words.filter((word) => !word.startsWith('--'));
  const target = paths.pop() ?? '';
  const path = ownPath(stage, resolve(stage.workdir, target));
  const sources = paths.flatMap((source) => {
    const found = globSync(source.replace(/^\//, ''), { cwd: from });
    if (found.length === 0 && !/[*?]/.test(source)) throw new Error(`COPY ${text}: there is no ${source}`);
    return found.map((name) => join(from, name));
  });
  const isFolder = target.endsWith('/');
  mkdirSync(isFolder ? path : dirname(path), { recursive: true });
  for (const source of sources)
    cpSync(source, isFolder ? join(path, basename(source)) : path, { recursive: true, verbatimSymlinks: true });
}

/** Where this process's Node and npm are. */
function pathOf(): string {
  return `${dirname(process.execPath)}:${process.env['PATH']}`;
}

/**
 * Runs a command in a root of its own, where the folders of this system stand for the base image. In the mode `run` the image's files are
 * read-only and the command has the image's user, as any user of Linux can do in namespaces of its own.
 */
const ENTER = `set -e
root=$1 mode=$2 user=$3 workdir=$4 system=$5; shift 5
for name in $system; do mount --rbind "/$name" "$root/$name"; done
mount --rbind "$root" "$root"
if [ "$mode" = run ]; then
  mount -o remount,ro,bind "$root"
  for name in tmp data; do mount -t tmpfs none "$root/$name"; done
  set -- unshare --map-user="$user" --map-group="$user" "$@"
fi
# Not chroot, after which the system refuses further namespaces.
cd "$root"
pivot_root . .
umount -l .
cd "$workdir"
exec "$@"`;

function enter({ root, system, workdir, user }: Stage, command: readonly string[], mode: 'build' | 'run'): string[] {
  const [id = ''] = user.split(':');
  const names = [...system].filter((name) => mode === 'build' || name !== 'tmp').join(' ');
  return ['--map-root-user', '--mount', 'sh', '-c', ENTER, 'sh', root, mode, id, workdir, names, ...command];
}

function toImage(stage: Stage, remove: () => void): Image {
  const { root, environment, user, entrypoint, command, healthcheck } = stage;
  const run: Image['run'] = (words, settings = {}) =>
    spawn('unshare', enter(stage, words, 'run'), {
      env: { PATH: pathOf(), ...environment, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  return {
    root,
    user,
    healthcheck,
    run,
    remove,
    start: (settings, args = command) => run([...entrypoint, ...args], settings),
  };
}
