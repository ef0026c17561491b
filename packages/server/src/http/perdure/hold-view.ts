/** What the routes about legal holds need. Made by main. */
import type { CreateHold, HoldResource, KeptList } from '@perdure/protocol';
import type { Viewer } from './govern-view.ts';

export interface HoldView {
  list(who: Viewer): Promise<readonly HoldResource[]>;
  place(who: Viewer, wanted: CreateHold): Promise<HoldResource>;
  lift(who: Viewer, id: string): Promise<HoldResource>;
  /** @param after the session that the page before ended with */
  kept(who: Viewer, id: string, after: string | null, limit: number): Promise<KeptList>;
}
