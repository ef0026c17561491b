/** The promises of a home's store, as cases that run on any implementation. */
import { CONTROL_CASES } from './cases/control-cases.ts';
import { FILE_CASES } from './cases/file-cases.ts';
import { HOME_CASES } from './cases/home-cases.ts';
import { JOURNAL_CASES } from './cases/journal-cases.ts';
import { LOG_CASES } from './cases/log-cases.ts';
import { PLACEMENT_CASES } from './cases/placement-cases.ts';
import { PROJECTION_CASES } from './cases/projection-cases.ts';
import { RESOURCE_CASES } from './cases/resource-cases.ts';
import type { ConformanceCase } from './conformance-case.ts';

export const CONFORMANCE: readonly ConformanceCase[] = [
  ...LOG_CASES,
  ...JOURNAL_CASES,
  ...PROJECTION_CASES,
  ...PLACEMENT_CASES,
  ...HOME_CASES,
  ...CONTROL_CASES,
  ...FILE_CASES,
  ...RESOURCE_CASES,
];
