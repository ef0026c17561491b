/**
 * How V8 collects garbage in a server (decision 0029).
 *
 * V8 remembers of each literal in the code how much of what it made outlived a young collection, and makes the rest in the old space if it was most of
 * it. In a burst of hundreds of streams nearly everything outlives one: what is made in the old space from then on holds, dead or alive, all that it
 * points to, and each young collection copies that twice. A server's pieces die young, whatever a burst says.
 */
import { setFlagsFromString } from 'node:v8';

export function setCollector(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
