/** All of undici, for what is fetched now and then. Calls of models need only its pool: `connections.ts`. */
import type * as Undici from 'undici';
import { lateModule } from '../../engine/late-module.ts';

export const undici: () => typeof Undici = lateModule<typeof Undici>('undici');
