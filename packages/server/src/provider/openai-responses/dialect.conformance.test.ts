import { providerConformance } from '../conformance.ts';
import { makeProvider } from '../make-provider.ts';

providerConformance({
  name: 'openai-responses',
  make: limits => makeProvider({ dialect: 'openai-responses', limits }),
});
