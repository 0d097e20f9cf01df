/** Vectors of clusters that move from append to append, as those of a model over texts or pictures of a changing world do. */
import { seeded } from '../../testing/seeded.ts';
import { normal } from '../../testing/vector-rows.ts';

const CLUSTERS = 200;
/** Of these independent numbers the vectors are mixed, whatever their dimensions. */
const LATENT = 16;
const SPREAD = 1.5;
/** How far the middle of a cluster moves over all appends, in deviations of its vectors. */
const DRIFT = 4;
const NOISE = 0.05;

/** `appends`: over how many of them the clusters move. */
export function driftingVectors(seed: number, dimensions: number, appends: number) {
  const random = seeded(seed);
  const next = normal(random);
  const mixing = Float32Array.from({ length: LATENT * dimensions }, () => next() / Math.sqrt(LATENT));
  const middles = Float32Array.from({ length: CLUSTERS * LATENT }, () => next() * SPREAD);
  const moves = Float32Array.from({ length: CLUSTERS * LATENT }, () => (next() * DRIFT) / appends);
  /** So many vectors of the time of that append, one after the other. */
  return (append: number, count: number): Float32Array => {
    const values = new Float32Array(count * dimensions);
    const latent = new Float32Array(LATENT);
    for (let row = 0; row < count; row++) {
      const cluster = Math.floor(random() * CLUSTERS) * LATENT;
      for (let at = 0; at < LATENT; at++) {
        latent[at] = (middles[cluster + at] as number) + append * (moves[cluster + at] as number) + next();
      }
      for (let column = 0; column < dimensions; column++) {
        let sum = NOISE * (random() - 0.5);
        for (let at = 0; at < LATENT; at++)
          sum += (latent[at] as number) * (mixing[at * dimensions + column] as number);
        values[row * dimensions + column] = sum;
      }
    }
    return values;
  };
}
