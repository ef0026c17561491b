/** The measuring client: undici over kept-alive connections, as thin as can be, the same for every server. */
import { Pool } from 'undici';

export interface Timed {
  /** To the first event that carries text, or to the end of a plain answer, ms. */
  readonly firstMs: number;
  readonly totalMs: number;
  readonly id: string;
  readonly text: string;
}

export class BenchClient {
  readonly #pool: Pool;
  readonly #path: string;

  constructor(baseUrl: string) {
    const url = new URL(baseUrl);
    this.#path = `${url.pathname.replace(/\/$/, '')}/responses`;
    this.#pool = new Pool(url.origin, { connections: 64, pipelining: 1 });
  }

  async respond(body: { readonly stream?: boolean; readonly [key: string]: unknown }): Promise<Timed> {
    const text = JSON.stringify(body);
    const started = performance.now();
    const answer = await this.#pool.request({
      path: this.#path,
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer bench' },
      body: text,
    });
    let firstMs = Number.NaN;
    const chunks: Buffer[] = [];
    for await (const chunk of answer.body) {
      const bytes = chunk as Buffer;
      chunks.push(bytes);
      if (Number.isNaN(firstMs) && (body.stream !== true || bytes.includes('output_text.delta')))
        firstMs = performance.now() - started;
    }
    const totalMs = performance.now() - started;
    const whole = Buffer.concat(chunks).toString('utf8');
    if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${whole.slice(0, 300)}`);
    const json =
      body.stream === true ? (/^data: (\{"type":"response\.completed".*)$/m.exec(whole)?.[1] ?? '{}') : whole;
    const parsed = JSON.parse(json) as { response?: Answer } & Answer;
    const response = parsed.response ?? parsed;
    const answerText =
      response.output
        ?.flatMap(item => item.content ?? [])
        .map(part => part.text ?? '')
        .join('') ?? '';
    return { firstMs: body.stream === true ? firstMs : totalMs, totalMs, id: response.id ?? '', text: answerText };
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

interface Answer {
  readonly id?: string;
  readonly output?: readonly { readonly content?: readonly { readonly text?: string }[] }[];
}
