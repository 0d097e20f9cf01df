import { describe } from 'vitest';
import { PYLANCE_VERSIONS } from '../../testing/pylance.ts';
import { interopSuite } from './suite.ts';

describe(`pylance ${PYLANCE_VERSIONS.oldest}`, () => interopSuite(PYLANCE_VERSIONS.oldest));
