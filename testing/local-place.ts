/** A table on local disk, as the builder is told of it. */
import type { TablePlace } from '../src/lance/segment.ts';

export const localPlace = (uri: string): TablePlace => ({ uri, storageOptions: {}, remote: false });
