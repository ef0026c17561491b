/** Preloaded into a server: its homes answer before their commits (L2 broken). The harness must notice. */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const ofServer = context.parentURL?.endsWith('/main/compose.ts') === true;
    if (ofServer && specifier.endsWith('/open-sqlite-home.ts'))
      return { url: new URL('early-home.ts', import.meta.url).href, format: 'module-typescript', shortCircuit: true };
    return next(specifier, context);
  },
});
