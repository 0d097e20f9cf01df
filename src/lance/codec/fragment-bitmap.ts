/** Fragment bitmaps: portable 32-bit Roaring, as in IndexMetadata.fragment_bitmap, to and from sorted fragment ids. */
import { RoaringBitmap32 } from 'roaring-wasm';
import { SegmentdError } from '../../lib/errors.ts';

/** Bitmaps live in WASM memory, so each is released before the call returns. */
function withBitmap<T>(bitmap: RoaringBitmap32, use: (bitmap: RoaringBitmap32) => T): T {
  try {
    return use(bitmap);
  } finally {
    bitmap.dispose();
  }
}

/** Sorted fragment ids of a bitmap. Errors: table_index_unreadable, when the bytes are not a portable Roaring bitmap. */
export function decodeFragmentBitmap(bytes: Uint8Array): Uint32Array {
  try {
    return withBitmap(RoaringBitmap32.deserialize('portable', bytes), (it) => it.toUint32Array());
  } catch (error) {
    throw new SegmentdError('table_index_unreadable', 'a fragment bitmap is not a portable Roaring bitmap', {
      cause: error,
    });
  }
}

/** The portable bitmap of `ids`, without run containers, which is the form Lance itself writes. */
export function encodeFragmentBitmap(ids: Iterable<number>): Uint8Array {
  return withBitmap(new RoaringBitmap32(ids), (it) => it.serialize('portable').slice());
}
