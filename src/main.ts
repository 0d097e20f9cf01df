#!/usr/bin/env node
process.stdout.write('segmentd\n');
