/** Events of calls that the model goes on without. */
export type PendingEvent<Item> =
  | {
      /** The model goes on without the result of a call that whoever drives the session runs: it is told that it comes later. */
      readonly type: 'tool.postponed';
      readonly head: {
        readonly callId: string;
        readonly tool: string;
        /** The id of the item that asks for it. */
        readonly item: string;
        readonly count: number;
        /** ms since 1970: no result is taken from then on. */
        readonly expiresAt: number;
      };
      /** `arguments`: as the model wrote them. */
      readonly payload: { readonly items: readonly Item[]; readonly arguments: string };
    }
  | {
      /** The result of a call that was postponed: it waits for a place where the model can take it. */
      readonly type: 'tool.answered';
      readonly head: {
        /** seq of its `tool.postponed`. */
        readonly postponed: number;
        readonly callId: string;
        readonly item: string;
        /** Null: it succeeded. */
        readonly code: string | null;
        /** The input of a keyed request that brought it: `<reserved id>.<index>`. */
        readonly request?: string;
      };
      /** The message that tells the model. */
      readonly payload: { readonly items: readonly Item[] };
    };
