/**
 * The script of the status page, as the browser gets it. Whatever comes from the server becomes text nodes, never markup. A row is made
 * again only when its data changed, so that what a reader has open or focused stays.
 */
export const PAGE_SCRIPT: string = String.raw`
'use strict';
(() => {
const EVERY_MS = 3000, PATIENCE_MS = 10000;
const by = id => document.getElementById(id);
let key = null, timer = null, asking = false, shown = '';
const open = new Set();

function el(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (name === 'class') node.className = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
}
const td = (content, props) => el('td', props, ...(Array.isArray(content) ? content : [content]));
const soft = text => el('span', { class: 'soft' }, text);
const badge = (text, tone) => el('span', { class: 'badge ' + tone }, text);
const dash = value => (value === null || value === undefined || value === '' || value === 'unspecified' ? '\u2013' : String(value));
const health = state => badge(state, state === 'healthy' ? 'good' : state === 'degraded' ? 'warn' : 'bad');
const time = seconds => new Date(seconds * 1000);

function fill(id, rows, empty) {
  by(id).replaceChildren(...rows);
  by(id + '-empty').hidden = rows.length > 0;
  by(id + '-empty').textContent = empty;
}

function header(status) {
  by('version').textContent = status.version + ', up since ' + time(status.started_at).toLocaleString();
  const badges = [];
  if (status.draining) badges.push(badge('draining', 'warn'), ' ');
  if (!status.enforce) badges.push(badge('monitor mode: nothing is refused', 'warn'), ' ');
  if (status.as_of !== null) badges.push(badge('as of ' + status.as_of, 'warn'), ' ');
  if (status.targets.some(target => target.emulated)) badges.push(badge('emulated models', 'warn'));
  by('badges').replaceChildren(...badges);
  const notes = [];
  if (status.as_of !== null) notes.push('Contracts see ' + status.as_of + ', not today: a rehearsal.');
  if (!status.enforce) notes.push('Monitor mode: what would be refused is recorded, and runs.');
  by('rehearsal').hidden = notes.length === 0;
  by('rehearsal-text').textContent = notes.join(' ');
}

function contractRow(one) {
  return el('tr', null,
    td([el('span', { class: 'mono' }, one.id), el('br'), soft(one.title)]),
    td(one.in_force ? badge('in force', 'good') : badge('not in force', 'bad')),
    td(dash(one.from), { class: 'keep' }), td(one.to === null ? 'no end' : one.to, { class: 'keep' }),
    td(one.reading === null ? '\u2013' : [el('span', { class: 'mono keep' }, one.reading), el('br'), soft('of ' + one.readings.length)]));
}
const homeRow = one => el('tr', null, td(one.id, { class: 'mono' }), td(one.cloud), td(one.region), td(one.store), td(health(one.health)));

function targetRow(one) {
  const price = value => (one.prices === null ? '\u2013' : String(one.prices[value]));
  return el('tr', null,
    td(one.emulated ? [el('span', { class: 'mono' }, one.id), ' ', badge('emulated', 'warn')] : el('span', { class: 'mono' }, one.id)),
    td(one.model), td(one.cloud), td(dash(one.region)), td(dash(one.accelerator)),
    td(price('input'), { class: 'number' }), td(price('output'), { class: 'number' }),
    td(dash(one.in_flight) + (one.capacity === null ? '' : ' of ' + one.capacity), { class: 'number' }), td(health(one.health)));
}

const ACTIONS = { infer: 'model call', place_state: 'state', distribute: 'sale', execute: 'tool run', egress: 'egress' };
const forbids = row => row.clauses.filter(clause => clause.effect !== 'permit');
function deciding(one) {
  const found = new Map();
  const rows = one.rows.filter(row => row.verdict !== 'chosen');
  for (const clause of rows.flatMap(forbids)) found.set(clause.contract + '/' + clause.id, clause);
  return [...found.values()];
}
function place(one) {
  const chosen = one.rows.find(row => row.verdict === 'chosen');
  if (chosen) return [chosen.cloud + (chosen.region === 'unspecified' ? '' : '/' + chosen.region), el('br'), el('span', { class: 'soft mono' }, chosen.id)];
  return [soft('nowhere')];
}
const outcome = one => one.outcome === 'placed'
  ? [badge('placed', 'good'), ...(one.call.status === 'completed' ? [] : [' ', soft('call ' + one.call.status)])]
  : [badge(one.outcome, 'bad')];

function clauses(one) {
  const found = deciding(one);
  const flagged = one.flagged.length === 0 ? [] : [el('div', { class: 'warn' }, 'flagged: ' + one.flagged.map(clause => clause.id).join(', '))];
  if (found.length === 0) return [soft('no clause stood against another place'), ...flagged];
  const line = clause => el('div', null, el('span', { class: 'mono' }, clause.id), ' ', soft(clause.cite));
  return [...found.slice(0, 3).map(line), ...(found.length > 3 ? [soft((found.length - 3) + ' more')] : []), ...flagged];
}

function details(one) {
  const heads = ['Place', 'Cloud', 'Verdict', 'Cost, $', 'Score', 'Why'];
  const cost = row => (row.cost_micro_usd === null ? '\u2013' : (row.cost_micro_usd / 1e6).toFixed(6));
  const rows = one.rows.map(row => el('tr', null, td(row.id, { class: 'mono keep' }), td(row.cloud), td(row.verdict),
    td(cost(row), { class: 'number' }), td(dash(row.score), { class: 'number' }), td(row.verdict === 'chosen' ? 'the best of those allowed' : row.reason)));
  const head = el('thead', null, el('tr', null, ...heads.map((name, at) => el('th', { scope: 'col', class: at === 3 || at === 4 ? 'number' : '' }, name))));
  return [
    el('div', { class: 'soft mono' }, one.id + '  session ' + one.session + (one.response === null ? '' : '  ' + one.response)),
    el('div', { class: 'scroll' }, el('table', { 'aria-label': 'Every place that was asked' }, head, el('tbody', null, ...rows))),
    el('pre', { tabindex: '0', 'aria-label': 'The decision in words' }, one.explanation),
  ];
}

function placementRows(one) {
  const at = time(one.created_at), id = 'details-' + one.id;
  const button = el('button', { type: 'button', class: 'open', 'aria-expanded': String(open.has(one.id)), 'aria-controls': id, 'data-id': one.id, title: at.toISOString() }, at.toLocaleTimeString());
  const more = el('tr', { id }, td(details(one), { class: 'details', colspan: '6' }));
  more.hidden = !open.has(one.id);
  button.addEventListener('click', () => {
    if (!open.delete(one.id)) open.add(one.id);
    more.hidden = !open.has(one.id);
    button.setAttribute('aria-expanded', String(!more.hidden));
  });
  const what = [ACTIONS[one.action] || one.action, ...(one.purpose === 'turn' || one.purpose === 'state' ? [] : [' ', soft(one.purpose)]),
    ...(one.action === 'infer' && one.response === null && one.outcome === 'placed' ? [el('br'), soft('nothing kept')] : [])];
  return [el('tr', null, td(button), td(what, { class: 'keep' }), td(place(one), { class: 'keep' }), td(outcome(one), { class: 'keep' }), td(dash(one.class)), td(clauses(one))), more];
}

const built = new Map();
function placements(list) {
  const focused = document.activeElement && document.activeElement.getAttribute('data-id');
  const rows = list.map(one => {
    const json = JSON.stringify(one);
    const had = built.get(one.id);
    const now = had && had.json === json ? had : { json, rows: placementRows(one) };
    built.set(one.id, now);
    return now.rows;
  });
  const ids = new Set(list.map(one => one.id));
  for (const id of built.keys()) if (!ids.has(id)) { built.delete(id); open.delete(id); }
  fill('placements', rows.flat(), 'No call has been placed yet.');
  if (focused) for (const button of document.querySelectorAll('button.open')) if (button.getAttribute('data-id') === focused) button.focus();
}

function show(status) {
  by('content').hidden = false;
  // What only counts time would redraw everything for nothing.
  const { now, ...rest } = status;
  const json = JSON.stringify(rest);
  if (json === shown) return;
  shown = json;
  header(status);
  fill('contracts', status.contracts.map(contractRow), 'No contract is configured.');
  fill('homes', status.homes.map(homeRow), '');
  fill('targets', status.targets.map(targetRow), '');
  placements(status.placements);
}

function problem(text) {
  by('problem').hidden = text === null;
  by('problem-text').textContent = text || '';
}

function askForKey(message) {
  key = null;
  shown = '';
  by('content').hidden = true;
  by('ask').hidden = false;
  by('updated').textContent = 'A key is needed';
  problem(message);
  by('key').focus();
}

async function refresh() {
  clearTimeout(timer);
  if (asking || document.hidden) return;
  asking = true;
  let again = true;
  try {
    const headers = key === null ? {} : { authorization: 'Bearer ' + key };
    const response = await fetch('/perdure/v1/status', { headers, cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(PATIENCE_MS) });
    const body = await response.json();
    if (response.status === 401) {
      again = false;
      askForKey(key === null ? null : 'The server does not know this key.');
    } else if (!response.ok) {
      problem(body.error && body.error.message ? body.error.message : 'The server answered ' + response.status + '.');
    } else {
      by('ask').hidden = true;
      problem(null);
      show(body);
      by('updated').textContent = 'Updated ' + new Date().toLocaleTimeString();
    }
  } catch {
    problem('The server cannot be reached. Trying again.');
  } finally {
    asking = false;
    if (again) timer = setTimeout(refresh, EVERY_MS);
  }
}

by('key-form').addEventListener('submit', event => {
  event.preventDefault();
  key = by('key').value.trim();
  by('key').value = '';
  refresh();
});
document.addEventListener('visibilitychange', () => { if (!document.hidden && by('ask').hidden) refresh(); });
refresh();
})();
`;
