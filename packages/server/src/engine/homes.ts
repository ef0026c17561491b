/** The homes of this deployment, found by id or by the tag that ids carry. */
import { bodyHome, homeTag, type HomeId, idBody, type IdPrefix } from '../kernel/ids.ts';
import type { SessionLog } from './ports.ts';

export class Homes {
  readonly #byId = new Map<HomeId, SessionLog>();
  readonly #byTag = new Map<string, SessionLog>();

  constructor(stores: readonly SessionLog[]) {
    for (const store of stores) {
      this.#byId.set(store.home, store);
      this.#byTag.set(homeTag(store.home), store);
    }
  }

  get all(): readonly SessionLog[] {
    return [...this.#byId.values()];
  }

  get(home: HomeId): SessionLog | null {
    return this.#byId.get(home) ?? null;
  }

  /** The store that an id body points at. */
  ofBody(body: string): SessionLog | null {
    return this.#byTag.get(bodyHome(body)) ?? null;
  }

  /** The body of a wire id and the store that it points at; null if it is no id of ours. */
  locate(id: string, prefix: IdPrefix): { readonly body: string; readonly store: SessionLog } | null {
    const body = idBody(id, prefix);
    const store = body === null ? null : this.ofBody(body);
    return body === null || store === null ? null : { body, store };
  }
}
