/** All checks that ask the server something, in the order in which they run. */
import type { Check } from './check.ts';
import { BACKGROUND } from './checks/background.ts';
import { CHAINING } from './checks/chaining.ts';
import { CHAT } from './checks/chat.ts';
import { COMPACTION } from './checks/compaction.ts';
import { CONVERSATIONS } from './checks/conversations.ts';
import { ERRORS } from './checks/errors.ts';
import { FIELDS } from './checks/fields.ts';
import { LISTS } from './checks/lists.ts';
import { RESPONSE } from './checks/response.ts';
import { RESUME } from './checks/resume.ts';
import { STREAM } from './checks/stream.ts';
import { TOOLS } from './checks/tools.ts';
import { WEBSOCKET } from './checks/websocket.ts';

export const CHECKS: readonly Check[] = [
  ...RESPONSE,
  ...STREAM,
  ...RESUME,
  ...ERRORS,
  ...FIELDS,
  ...CHAINING,
  ...CONVERSATIONS,
  ...LISTS,
  ...TOOLS,
  ...BACKGROUND,
  ...COMPACTION,
  ...WEBSOCKET,
  ...CHAT,
];
