import { flowing } from '../../engine/flow.test-support.ts';
import { providerConformance } from '../conformance.ts';
import { makeProvider } from '../make-provider.ts';

providerConformance({ name: 'openai-chat', make: limits => makeProvider({ dialect: 'openai-chat', limits }) });

providerConformance({
  name: 'openai-chat, flowing',
  make: limits => flowing(makeProvider({ dialect: 'openai-chat', limits })),
});
