/** The keys of a data folder that no server holds. */
import { randomFillSync } from 'node:crypto';
import type { Config } from './config/config.ts';
import type { DataFolder } from './data-folder.ts';
import { openGoverned } from './govern/open.ts';
import type { KeyResource, KeySpec } from './keys/key-row.ts';
import { saleCheck } from './keys/sale.ts';
import { openSealKey } from './seal-key.ts';
import { type CreatedKey, KeyRing, LOCAL_CALLER } from './keys.ts';

/** Where keys are made, listed and revoked. */
export interface KeyDesk {
  create(spec: KeySpec): Promise<CreatedKey>;
  list(): Promise<readonly KeyResource[]>;
  /** False if there is no such key. */
  revoke(id: string): Promise<boolean>;
  close(): Promise<void>;
}

/** @throws StoreError; the folder is closed then */
export async function keysInFolder(config: Config, folder: DataFolder): Promise<KeyDesk> {
  const { control, clock, ids, close } = folder;
  try {
    const { active } = await openGoverned(config, { control, stores: [control], clock, ids, how: 'look' });
    const sale = saleCheck(
      () => active.at(clock.now()).loaded.snapshot,
      config,
      () => config.asOf?.ms ?? clock.now(),
    );
    const deps = {
      clock,
      random: (into: Uint8Array) => randomFillSync(into),
      home: control.home,
      sale,
      sealKey: () => openSealKey(config.data),
    };
    const ring = await KeyRing.open(control, config, deps);
    return {
      create: spec => ring.create(spec, LOCAL_CALLER.principal),
      list: () => Promise.resolve(ring.list()),
      revoke: async id => (await ring.revoke(id, LOCAL_CALLER.principal)) !== null,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
