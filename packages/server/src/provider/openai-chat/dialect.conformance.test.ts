import { providerConformance } from '../conformance.ts';
import { makeProvider } from '../make-provider.ts';

providerConformance({ name: 'openai-chat', make: limits => makeProvider({ dialect: 'openai-chat', limits }) });
