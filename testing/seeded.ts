export { seeded } from '../src/lib/seeded.ts';
