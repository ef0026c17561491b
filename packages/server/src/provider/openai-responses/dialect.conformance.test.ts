import { flowing } from '../../engine/flow.test-support.ts';
import { providerConformance } from '../conformance.ts';
import { makeProvider } from '../make-provider.ts';

providerConformance({
  name: 'openai-responses',
  make: limits => makeProvider({ dialect: 'openai-responses', limits }),
});

providerConformance({
  name: 'openai-responses, flowing',
  make: limits => flowing(makeProvider({ dialect: 'openai-responses', limits })),
});
