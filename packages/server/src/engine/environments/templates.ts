/** Templates of environments. */
import { type EnvironmentTemplate, type HostedGiven, perdureError, type TemplateBody } from '@perdure/protocol';
import { homeTag } from '../../kernel/ids.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { lookAt } from './bytes.ts';
import { checkArchives } from './create.ts';
import {
  changeRow,
  findRow,
  insertRow,
  type Page,
  pageRows,
  removeRow,
  type RowQuery,
  type TemplateRecord,
} from './records.ts';
import { over, templateResource } from './shapes.ts';

const KIND = 'environment_template';

async function check(engine: EngineContext, caller: Caller, given: HostedGiven): Promise<void> {
  const hosted = over(null, given);
  checkArchives(hosted.skills, hosted.plugins);
  for (const [index, file] of hosted.files.entries()) await lookAt(engine, caller, file, `files[${index}]`);
}

export async function createTemplate(
  engine: EngineContext,
  caller: Caller,
  { hosted, name }: TemplateBody,
): Promise<EnvironmentTemplate> {
  await check(engine, caller, hosted);
  const { tenant } = caller;
  const most = engine.environments.limits.tenantTemplates;
  if ((await engine.sessions.wait(engine.control.countResources({ kind: KIND, tenant }))) >= most)
    throw perdureError('environment_quota_exceeded', `A tenant has ${most} environment templates at most.`);
  const made = await insertRow<TemplateRecord>(engine, {
    kind: KIND,
    tenant,
    id: engine.ids.next('envt', homeTag(engine.homes.all[0]?.home ?? '')),
    parent: null,
    wakeAt: null,
    record: { name: name ?? null, updatedAt: engine.clock.now(), hosted },
  });
  return templateResource(made);
}

export async function readTemplate(
  engine: EngineContext,
  { tenant }: Caller,
  id: string,
): Promise<EnvironmentTemplate> {
  return templateResource(await findRow<TemplateRecord>(engine, KIND, tenant, id));
}

export async function updateTemplate(
  engine: EngineContext,
  caller: Caller,
  id: string,
  { hosted, name }: TemplateBody,
): Promise<EnvironmentTemplate> {
  await check(engine, caller, hosted);
  const changed = await changeRow<TemplateRecord>(engine, { kind: KIND, tenant: caller.tenant, id }, ({ record }) => ({
    record: {
      name: name === undefined ? record.name : name,
      updatedAt: engine.clock.now(),
      hosted: within({ ...record.hosted, ...hosted }),
    },
  }));
  return templateResource(changed);
}

/** What it came to over several updates must fit its row, as one request's does. */
function within(hosted: HostedGiven): HostedGiven {
  if (JSON.stringify(hosted).length <= MOST_CHARS) return hosted;
  throw perdureError('invalid_request', 'The template holds too much inline: upload files, and give their ids.');
}
const MOST_CHARS = 1_000_000;

export async function deleteTemplate(engine: EngineContext, { tenant }: Caller, id: string): Promise<void> {
  await removeRow(engine, (await findRow<TemplateRecord>(engine, KIND, tenant, id)).row);
}

export async function listTemplates(
  engine: EngineContext,
  { tenant }: Caller,
  query: RowQuery,
): Promise<Page<EnvironmentTemplate>> {
  const { entries, hasMore } = await pageRows<TemplateRecord>(engine, { kind: KIND, tenant }, query);
  return { entries: entries.map(templateResource), hasMore };
}
