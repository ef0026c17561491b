/**
 * A file without targets. Where there is no file the environment and this machine are looked through; a file says all of it itself, so that
 * nothing joins a deployment that nobody wrote down. What is said is what to write.
 */
import { fromEnvironment } from '../discover/environment.ts';
import type { FileTarget } from './file-form.ts';
import type { Environment } from './interpolate.ts';
import type { Problem } from './problem.ts';

const FORM =
  'targets:\n  - {id: NAME, vendor: openai, model: MODEL, cloud: CLOUD, region: REGION, base_url: "https://HOST/v1", api_key: "${VARIABLE}"}';
const KEYS = ['OPENAI_API_KEY', 'AZURE_OPENAI_API_KEY'] as const;
const URLS = ['OPENAI_BASE_URL', 'AZURE_OPENAI_ENDPOINT'] as const;

/** The same problems: to one of the whole list it is added what to write. Never a value of the environment that could be a secret (L9). */
export function withTargetsToWrite(problems: readonly Problem[], env: Environment): readonly Problem[] {
  return problems.map(problem => {
    const missing = problem.path.length === 1 && problem.path[0] === 'targets' && MISSING.test(problem.message);
    return missing ? { ...problem, message: `${problem.message}: ${toWrite(env)}` } : problem;
  });
}

const MISSING = /^(is required|must have at least 1 entry)$/;

function toWrite(env: Environment): string {
  const found = writtenTargets(env);
  const why = 'with a file, only what it names is used.';
  return found.length === 0
    ? `${why} Name where calls can go:\n${FORM}\nWithout a file, "perdure up" takes what OPENAI_API_KEY, AZURE_OPENAI_* and model servers on this machine offer, else emulated clouds.`
    : `${why} Without one, "perdure up" would find these in the environment; to have them, write:\ntargets:\n${found.map(line).join('\n')}`;
}

/** What the environment offers, with its variables by their names. */
function writtenTargets(env: Environment): readonly FileTarget[] {
  const named = Object.fromEntries(KEYS.flatMap(name => (env[name] ? [[name, `\${${name}}`]] : [])));
  return fromEnvironment({ ...env, ...named }).targets.map(target => ({
    ...target,
    model: target.model.replaceAll('$', '$$$$'),
    base_url: urlOf(target, env),
  }));
}

function urlOf({ base_url: url }: FileTarget, env: Environment): string {
  for (const name of URLS) {
    const given = env[name];
    if (given && url.startsWith(given)) return `\${${name}}${url.slice(given.length)}`;
  }
  return url;
}

function line(target: FileTarget): string {
  const fields = Object.entries(target).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `  - {${fields.join(', ')}}`;
}
