import { fdatasyncSync, fsyncSync } from 'node:fs';
import { MemoryFS, PGlite } from '@electric-sql/pglite';

type FilesystemOptions = Awaited<ReturnType<MemoryFS['init']>>['emscriptenOpts'];

/** The parts of an Emscripten module that are used. PGlite's types name them, but come without Emscripten's own. */
interface EmscriptenModule {
  readonly FS: {
    mkdirTree(path: string): void;
    mount(type: unknown, options: { root: string }, path: string): void;
    isDir(mode: number): boolean;
  };
  readonly NODEFS: {
    node_ops: {
      mknod(parent: unknown, name: string, mode: number, device: unknown): unknown;
      setattr(node: unknown, attributes: { readonly mode?: number }): void;
    };
    readonly stream_ops: { fsync?(stream: FileStream): number };
  };
}

interface FileStream {
  /** The descriptor in this process. */
  readonly nfd: number;
  readonly node: { readonly mode: number };
}

/** The permissions of everybody but the owner. */
const OTHERS = 0o077;

/**
 * PGlite's files in a folder, for their owner alone, with an `fsync` that reaches the disk: Emscripten's access to Node's files has none, so that even
 * with PostgreSQL's `fsync` on, a power cut would lose what was committed.
 *
 * It extends PGlite's files in memory, because PGlite then creates a database right in the mounted folder. With its own `NodeFS` it
 * creates one in memory first and copies that twice, which takes 200 MB more.
 */
export class DurableFiles extends MemoryFS {
  readonly #folder: string;

  constructor(folder: string) {
    super();
    this.#folder = folder;
  }

  override async init(pg: PGlite, options: FilesystemOptions): Promise<{ emscriptenOpts: FilesystemOptions }> {
    const { emscriptenOpts } = await super.init(pg, options);
    const mount = ({ FS, NODEFS }: EmscriptenModule): void => {
      NODEFS.stream_ops.fsync = ({ nfd, node }) => {
        // All that PostgreSQL needs of a file but its times, which saves a write of the journal.
        if (FS.isDir(node.mode)) fsyncSync(nfd);
        else fdatasyncSync(nfd);
        return 0;
      };
      // Emscripten sets the mode of each file, whatever the umask of this process.
      const { mknod, setattr } = NODEFS.node_ops;
      NODEFS.node_ops.mknod = (parent, name, mode, device) => mknod(parent, name, mode & ~OTHERS, device);
      NODEFS.node_ops.setattr = (node, attributes) =>
        setattr(node, attributes.mode === undefined ? attributes : { ...attributes, mode: attributes.mode & ~OTHERS });
      FS.mkdirTree(PGlite.paths.PGDATA);
      FS.mount(NODEFS, { root: this.#folder }, PGlite.paths.PGDATA);
    };
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), mount] } };
  }
}
