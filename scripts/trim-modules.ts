/** Takes out of an installed `node_modules` what segmentd never loads: for the image, of which that is two thirds. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** LanceDB loads these only to compute embeddings. */
const UNUSED = ['@huggingface', '@img', 'onnxruntime-common', 'onnxruntime-node', 'onnxruntime-web', 'openai', 'sharp'];

/** Types, maps, sources and manuals of packages. Their licences stay. */
const NEVER_LOADED = /\.(?:map|[cm]?ts|flow|tsbuildinfo)$|^(?:readme|changelog|history)(?:\.(?:md|markdown|txt))?$/i;

/** `folder` is a `node_modules` with packages of its own alone. */
function trimModules(folder: string): void {
  for (const name of UNUSED) rmSync(join(folder, name), { recursive: true, force: true });
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && NEVER_LOADED.test(entry.name)) rmSync(join(entry.parentPath, entry.name));
  }
}

const [, , folder] = process.argv;
if (import.meta.main && folder !== undefined) trimModules(folder);
