/** The form of perdure.yaml. What refers from one place to another is checked in `cross-checks.ts`. */
import * as z from 'zod';
import { checkFirstRefusals } from '../../contract/first-refusal.ts';
import { datetimeMs } from '../../contract/instant.ts';
import { day, id as eventId } from '../../contract/manifest-words.ts';
import { type FileConfig, type FileRate, type FileFirstRefusal, type Maybe, SCOPES } from './file-form.ts';
import { refusalOf } from './recorded.ts';
import { alert } from './alerts.ts';
import { prompts } from './prompts.ts';
import { rateLimits } from './rate-limits.ts';
import { retentionSchema } from './retention.ts';
import { agentRulesShape } from './agent-rules.ts';
import { egress } from './egress.ts';
import { automations } from './automations.ts';
import { workspaces } from './workspaces.ts';
import { sigv4 } from './sigv4.ts';
import { traces } from './traces.ts';
import { mcp, tools } from './tools.ts';
import { dayStart } from '../../money/calendar.ts';
import {
  type Bound,
  CONFIG_BOUNDS,
  mapValues,
  SERVER_BOUNDS,
  type ServerLimits,
  UPSTREAM_BOUNDS,
  type UpstreamLimits,
} from './limits.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** Homes name files, so they stay clear of what file systems fold or reserve. */
const HOME_ID = /^[a-z][a-z0-9-]*$/;
/** What Windows keeps for devices, whatever the extension. */
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)$/;
/** Six decimals: what micro-dollars can hold. */
const MICRO = 1_000_000;

const name = (what: string): z.ZodType<string> =>
  z
    .string()
    .max(CONFIG_BOUNDS.nameChars)
    .regex(NAME, 'must begin with a letter or digit and hold letters, digits, ".", "_" and "-" only')
    .meta({ description: what });
const text = (what: string, most: number = CONFIG_BOUNDS.valueChars): z.ZodType<string> =>
  z.string().min(1).max(most).meta({ description: what });
const whole = (what: string, min: number, max: number): z.ZodType<number> =>
  z.int().min(min).max(max).meta({ description: what });
const words = (what: string): z.ZodType<readonly string[]> =>
  z.array(name('A label or a word.')).max(CONFIG_BOUNDS.words).meta({ description: what });
const list = <T>(of: z.ZodType<T>, most: number, what: string): z.ZodType<readonly T[]> =>
  z.array(of).max(most).meta({ description: what });

const place = {
  cloud: name('Whose cloud: azure, aws, gcp, local, or any other name that your contracts use.'),
  region: name('The region, as your contracts name it.'),
  jurisdiction: name('Whose law holds there: us, eu, ... Default: unspecified.').nullish(),
  sovereignty: name('commercial, gov, or a word of your own. Default: commercial.').nullish(),
  clearances: words('Labels of data that may be held and seen there. Default: none.').nullish(),
};

const home = z.strictObject({
  id: z
    .string()
    .max(32)
    .regex(HOME_ID, 'must begin with a lower-case letter and hold lower-case letters, digits and "-" only')
    .refine(id => !RESERVED.test(id), 'is a name that some systems reserve')
    .meta({ description: 'Names the home; its file in the data folder too.' }),
  ...place,
  store: z
    .literal('sqlite')
    .nullish()
    .meta({ description: 'Where its rows are: sqlite, one file in the data folder.' }),
});

function isMicro(usd: number): boolean {
  return Math.abs(usd * MICRO - Math.round(usd * MICRO)) < 1e-4;
}

const price = (what: string): z.ZodType<number> =>
  z
    .number()
    .min(0)
    .max(CONFIG_BOUNDS.price)
    .refine(isMicro, 'has more than six decimals')
    .meta({ description: `${what} In US dollars per million tokens.` });

const pricesShape = {
  input: price('Input tokens.'),
  cached_input: price('Input tokens that the upstream had cached. Default: input.').nullish(),
  cache_write: price('Input tokens that are written to the cache of the upstream. Default: input.').nullish(),
  output: price('Output tokens.'),
  reasoning: price('Output tokens of reasoning. Default: output.').nullish(),
};

const fromDay = z
  .string()
  .refine(written => dayStart(written) !== null, 'must be a day as 2026-03-20')
  .nullish()
  .meta({ description: 'The first day, in UTC, on which they hold. Default: always.' });

const rateShape = {
  from: fromDay,
  ...pricesShape,
  model: text('Of this model only. Default: of any.', CONFIG_BOUNDS.modelChars).nullish(),
};
const OF_CHANNEL = name('Through this channel only. Default: through any.').nullish();
const OF_PRODUCT = name('Of this product only. Default: of any.').nullish();
const rateCard = (shape: z.core.$ZodLooseShape, what: string): z.ZodType<readonly FileRate[]> =>
  list(z.strictObject({ ...rateShape, ...shape }) as unknown as z.ZodType<FileRate>, CONFIG_BOUNDS.rates, what);

const cap = z.strictObject({
  id: name('Names the cap; a refusal cites it.'),
  tenant: name('Of this tenant only. Default: of all together.').nullish(),
  product: OF_PRODUCT,
  key: text('Of this key only, by the id that "perdure keys list" shows. Default: of any.', 128).nullish(),
  period: z.enum(['day', 'month', 'total']).meta({ description: 'When it begins anew, in UTC; total: never.' }),
  amount_usd: z
    .number()
    .min(0)
    .max(CONFIG_BOUNDS.amountUsd)
    .refine(isMicro, 'has more than six decimals')
    .meta({ description: 'What may be spent in a period, in US dollars, by the price books of the targets.' }),
});

const baseUrl = z
  .string()
  .max(2_048)
  .superRefine((url, ctx) => {
    const problem = urlProblem(url);
    if (problem !== null) ctx.addIssue({ code: 'custom', message: problem });
  })
  .meta({ description: 'Where the API begins, as in https://api.openai.com/v1.' });

function urlProblem(text: string): string | null {
  if (!URL.canParse(text)) return 'is no URL';
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'must begin with http:// or https://';
  if (url.username !== '' || url.password !== '') return 'must not hold credentials: use api_key';
  return url.hash === '' ? null : 'must not have a fragment (#)';
}

const target = z.strictObject({
  id: name('Names the target; every decision cites it.'),
  vendor: name('Who made the model: openai, anthropic, ...'),
  model: text('The name by which callers ask for it. Several targets may share it.', CONFIG_BOUNDS.modelChars),
  upstream_model: text('The name that the upstream knows. Default: model.', CONFIG_BOUNDS.modelChars).nullish(),
  ...place,
  accelerator: name('gpu, trainium, ... For reports.').nullish(),
  dialect: z
    .enum(['openai-responses', 'openai-chat'])
    .nullish()
    .meta({ description: 'What the upstream speaks. Default: openai-responses.' }),
  base_url: baseUrl,
  api_key: text('Sent as bearer token. Write ${NAME} to take it from the environment.').nullish(),
  prices: z
    .strictObject(pricesShape)
    .nullish()
    .meta({ description: 'The price book, if its prices hold always. Default: not known.' }),
  price_book: list(
    z.strictObject({ from: fromDay, ...pricesShape }),
    CONFIG_BOUNDS.rates,
    'The price book with the days from which its prices hold. Instead of prices.',
  ).nullish(),
  capacity: whole('Calls at once. Default: no bound.', 1, CONFIG_BOUNDS.capacity).nullish(),
  capabilities: words('What it can do (tools, json_schema, ...). Default: anything may be tried.').nullish(),
  context_tokens: whole(
    'Tokens of input and output together. Default: not known.',
    1,
    CONFIG_BOUNDS.contextTokens,
  ).nullish(),
  host_check: z
    .enum(['on', 'off'])
    .nullish()
    .meta({ description: 'Whether the host of base_url is compared with cloud and region. Default: on.' }),
});

const key = z.strictObject({
  name: name('For people.'),
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits: the SHA-256 of the key')
    .nullish()
    .meta({ description: 'SHA-256 of the key, hexadecimal. Give this or secret.' }),
  secret: z
    .string()
    .min(16)
    .max(256)
    .regex(/^[\x21-\x7e]+$/, 'must hold printable ASCII without spaces only')
    .nullish()
    .meta({ description: 'The key itself; write ${NAME} to take it from the environment.' }),
  tenant: name('Whose data it reaches. Default: local.').nullish(),
  channel: name('Who sold the access. Default: direct.').nullish(),
  segment: z
    .enum(['commercial', 'us-gov', 'us-natsec'])
    .nullish()
    .meta({ description: 'The buyer. Default: commercial.' }),
  product: name('What was sold. Default: api.').nullish(),
  scopes: list(z.enum(SCOPES), SCOPES.length, 'What it may do. Default: inference, read.').nullish(),
});

const moment = (what: string): z.ZodType<string> =>
  z
    .string()
    .refine(written => datetimeMs(written) !== null, 'must be a day as 2026-03-20, or a moment as 2026-03-20T12:00:00Z')
    .meta({ description: what });

const event = z.strictObject({
  id: eventId.meta({ description: 'As clauses name it: agi-verified, ipo-filed, injunction, or any other.' }),
  date: moment('When it happened, in UTC: clauses see it from then on.'),
  source: text('Who says so.', CONFIG_BOUNDS.sourceChars),
});

const firstRefusal: z.ZodType<FileFirstRefusal> = z.strictObject({
  id: eventId.meta({ description: 'The right, as clauses name it.' }),
  product: name('The product that was offered. Default: all.').nullish(),
  offered: day.meta({ description: 'The day of the offer, in UTC.' }),
  deadline: day.meta({ description: 'The last day on which it can be answered.' }),
  accepted: day.nullish().meta({ description: 'The day on which it was accepted.' }),
  declined: day.nullish().meta({ description: 'The day on which it was declined.' }),
  source: text('Who says so.', CONFIG_BOUNDS.sourceChars),
});

const limit = ({ what, unit, min, max, default: value }: Bound): z.ZodType<Maybe<number>> =>
  whole(`${what} In ${unit}; default ${value}.`, min, max).nullish();
const limitShape = <Name extends string>(
  bounds: { readonly [name in Name]: Bound },
): Record<string, z.ZodType<Maybe<number>>> =>
  Object.fromEntries(Object.values<Bound>(bounds).map(bound => [bound.name, limit(bound)]));

const limits = z.strictObject({
  ...limitShape<keyof ServerLimits>(SERVER_BOUNDS),
  upstream: z
    .strictObject(limitShape<keyof UpstreamLimits>(UPSTREAM_BOUNDS))
    .nullish()
    .meta({ description: 'Bounds on calls to targets.' }),
});

const weight = (what: string): z.ZodType<Maybe<number>> =>
  z.number().min(0).max(CONFIG_BOUNDS.weight).nullish().meta({ description: what });

/** A key name of signed notes: no spaces, no plus. */
const ORIGIN = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/;

const ledger = z.strictObject({
  enabled: z.boolean().nullish().meta({ description: 'Whether events are sealed. Default: true.' }),
  key: text(
    'The file of the signing key, relative to this file. Default: ledger.key in the data folder.',
    4_096,
  ).nullish(),
  interval_ms: whole('Between two passes of sealing, ms. Default: 1000.', 100, 3_600_000).nullish(),
  origin: z
    .string()
    .max(200)
    .regex(ORIGIN, 'must be a host name, or a path after one')
    .nullish()
    .meta({ description: 'What the names of new logs begin with: a host of yours. Default: perdure.' }),
  public: z.boolean().nullish().meta({ description: 'Serve checkpoint and tiles without a key. Default: false.' }),
  witnesses: list(
    text('A key as name+id+key (c2sp.org/signed-note), of type 4.', 512),
    CONFIG_BOUNDS.witnesses,
    'Witnesses whose cosignatures are taken. Default: none.',
  ).nullish(),
});

export const fileSchema: z.ZodType<FileConfig> = z.strictObject({
  listen: z
    .strictObject({
      host: text('The address to listen on. Other than loopback wants keys. Default: 127.0.0.1.', 255).nullish(),
      port: whole('0 takes any free one. Default: 4180.', 0, 65_535).nullish(),
    })
    .nullish()
    .meta({ description: 'Where the server listens.' }),
  data: text('The data folder, relative to this file. Default: ./data.', 4_096).nullish(),
  homes: list(
    home,
    CONFIG_BOUNDS.homes,
    'Where state lives; the first one also holds keys. Default: one home, local.',
  ).nullish(),
  targets: z
    .array(target)
    .min(1)
    .max(CONFIG_BOUNDS.targets)
    .meta({ description: 'Model deployments: where calls can go.' }),
  contracts: list(
    text('A folder, relative to this file, or the name of a shipped set.', 4_096),
    CONFIG_BOUNDS.contracts,
    'The contracts. Default: none, which allows everything.',
  ).nullish(),
  reading: name('How the contracts are read. Default: as each says.').nullish(),
  as_of: moment('The time that contracts see, in UTC, for rehearsal. Default: the real time.').nullish(),
  weights: z
    .strictObject({
      price: weight('Of a micro-dollar of cost.'),
      latency: weight('Micro-dollars that a millisecond is worth.'),
      affinity: weight('Micro-dollars that a step of distance is worth.'),
    })
    .nullish()
    .meta({ description: 'How targets that are allowed compare.' }),
  on_ambiguity: z
    .enum(['flag', 'refuse'])
    .nullish()
    .meta({ description: 'What an ambiguous clause does: flag records it, refuse enforces it. Default: flag.' }),
  enforce: z
    .boolean()
    .nullish()
    .meta({ description: 'false records would-be refusals and refuses nothing. Default: true.' }),
  events: list(event, CONFIG_BOUNDS.recorded, 'What happened that no date of a contract can tell.').nullish(),
  first_refusals: list(firstRefusal, CONFIG_BOUNDS.recorded, 'Offers under rights of first refusal, and their answers.')
    .superRefine((offers, ctx) => {
      for (const [i, { accepted, declined }] of offers.entries())
        if (accepted && declined) ctx.addIssue({ code: 'custom', path: [i], message: 'is both accepted and declined' });
      for (const { index, message } of checkFirstRefusals(offers.map(refusalOf)))
        ctx.addIssue({ code: 'custom', path: [index], message });
    })
    .nullish(),
  require_second_person: z
    .boolean()
    .nullish()
    .meta({ description: 'Whether another key must approve each activation and waiver. Default: false.' }),
  keys: list(key, CONFIG_BOUNDS.keys, 'API keys beside those made with "perdure keys create".').nullish(),
  channels: list(
    z.strictObject({
      id: name('Names the channel.'),
      seller: name('Who sells. Default: whoever made the product.').nullish(),
      kind: z.enum(['direct', 'third-party']),
      rates: rateCard({ product: OF_PRODUCT }, 'What customers pay through it.').nullish(),
    }),
    CONFIG_BOUNDS.offers,
    'Who sells access, beside the built-in direct, bedrock and azure.',
  ).nullish(),
  products: list(
    z.strictObject({
      id: name('Names the product.'),
      vendor: name('Who made it.'),
      kind: z.enum(['api', 'runtime']),
      rates: rateCard({ channel: OF_CHANNEL }, 'What customers pay for it.').nullish(),
    }),
    CONFIG_BOUNDS.offers,
    'What is sold, beside the built-in api and frontier.',
  ).nullish(),
  rates: rateCard(
    { product: OF_PRODUCT, channel: OF_CHANNEL },
    'The rate card: what customers pay. What names more (model, channel, product) wins. Default: nothing.',
  ).nullish(),
  caps: list(cap, CONFIG_BOUNDS.caps, 'Spend caps: a call that could pass one is refused. Default: none.').nullish(),
  rate_limits: rateLimits.nullish(),
  prompts: prompts.nullish(),
  alerts: list(
    alert,
    CONFIG_BOUNDS.alerts,
    'Webhooks that are told when spending crosses a threshold. Default: none.',
  ).nullish(),
  shadow_prices: z
    .strictObject({
      interval_minutes: whole('Between two computations. Default: 60.', 1, 1_440).nullish(),
    })
    .nullish()
    .meta({
      description: 'Lets what commitments ask for weigh in where calls go: docs/money.md. Default: it does not.',
    }),
  retention: retentionSchema(name('The name of a tenant.'), CONFIG_BOUNDS.tenants).nullish(),
  compaction: z
    .strictObject({
      strategy: z
        .enum(['extractive', 'model'])
        .nullish()
        .meta({ description: 'extractive asks no model; model asks the one of the turn. Default: extractive.' }),
      at: whole('Percentage of the window at which stored turns compact unasked. Default: never.', 1, 99).nullish(),
    })
    .nullish()
    .meta({ description: 'How contexts are compacted: docs/compaction.md.' }),
  limits: limits.nullish().meta({ description: 'Bounds on time and size.' }),
  ledger: ledger.nullish().meta({ description: 'The tamper-evident record: docs/ledger.md.' }),
  automations: automations.nullish().meta({ description: 'Schedules that start sessions: docs/automations.md.' }),
  public_url: z
    .url({ protocol: /^https?$/ })
    .max(2_048)
    .nullish()
    .meta({ description: 'Where workers reach this server, as https://perdure.example. Default: where it listens.' }),
  ...agentRulesShape,
  egress: egress.nullish().meta({ description: 'What is fetched at the word of a caller: docs/files.md.' }),
  workspaces: workspaces.nullish().meta({ description: 'Where commands of agents run: docs/workspaces.md.' }),
  sigv4: sigv4.nullish().meta({ description: 'Requests under /openai that AWS clients sign: docs/bedrock.md.' }),
  traces: traces.nullish().meta({ description: 'What traces tell, and where they are sent: docs/traces.md.' }),
  tools: tools.nullish(),
  mcp: mcp.nullish().meta({ description: 'Which MCP servers sessions may use: docs/tools.md.' }),
}) as z.ZodType<FileConfig>;

/** The name of a limit in the file, for both tables. */
export function limitValues<Name extends string>(
  bounds: { readonly [name in Name]: Bound },
  given: { readonly [name: string]: unknown } | null | undefined,
): { readonly [name in Name]: number } {
  return mapValues(bounds, bound => {
    const value = given?.[bound.name];
    return typeof value === 'number' ? value : bound.default;
  });
}
