/** The skeleton of the status page. The script fills it. */
const head = (...names: readonly string[]): string =>
  `<thead><tr>${names.map(name => (name.endsWith('#') ? `<th scope="col" class="number">${name.slice(0, -1)}</th>` : `<th scope="col">${name}</th>`)).join('')}</tr></thead>`;

const section = (id: string, title: string, heads: string): string => `<section aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="${id}-title"><table>${heads}<tbody id="${id}"></tbody></table></div>
<p id="${id}-empty" class="soft" hidden></p>
</section>`;

export const PAGE_BODY: string = `<header>
<h1>Perdure</h1>
<span id="version" class="soft"></span>
<span id="badges"></span>
<span id="updated" class="soft push" role="status">Loading</span>
</header>
<main>
<noscript><section class="notice"><p>This page needs JavaScript; the same is at <code>/perdure/v1/status</code>.</p></section></noscript>
<section id="problem" class="notice bad" role="alert" hidden><p id="problem-text"></p></section>
<section id="ask" class="notice" hidden>
<form id="key-form">
<label for="key">API key (it stays in this page, and is gone when you leave it)</label>
<input id="key" type="password" autocomplete="off" spellcheck="false" required>
<button type="submit">Show</button>
</form>
</section>
<div id="content" hidden>
<section id="rehearsal" class="notice" hidden><p id="rehearsal-text"></p></section>
<div class="pair">
${section('contracts', 'Contracts', head('Contract', 'In force', 'From', 'To', 'Reading'))}
${section('homes', 'Homes', head('Home', 'Cloud', 'Region', 'Store', 'Health'))}
</div>
${section('targets', 'Targets', head('Target', 'Model', 'Cloud', 'Region', 'Accelerator', 'Input, $/M#', 'Output, $/M#', 'In flight#', 'Health'))}
${section('placements', 'Last placements', head('Time', 'What', 'Where', 'Outcome', 'Class', 'By clause'))}
</div>
</main>`;
