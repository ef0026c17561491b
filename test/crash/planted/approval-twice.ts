/** Preloaded into servers: an approval that was decided is decided again by whoever asks (L7 broken). */
import { changeSources } from './change-source.ts';

changeSources([
  [
    '/engine/tools/approvals.ts',
    source =>
      source.replace(
        "  if (open === undefined || tool === undefined || open.expiresAt <= now) throw perdureError('approval_not_open');\n",
        "  if (open === undefined) return { callId: '', idempotent: false, arguments: '', status: 'requested', granted: null };\n",
      ),
  ],
  [
    '/session/reduce-tool.ts',
    source =>
      source.replace(
        'if (open === undefined) return `approval ${approval} is not open`;',
        'if (open === undefined) return state;',
      ),
  ],
]);
