/** A file of the package, by its path from the root of it. This module lies two folders below that, in `src` and in what the build makes of it. */
export const shippedFile = (path: string): URL => new URL(`../../${path}`, import.meta.url);
