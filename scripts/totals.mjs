/** Adds up what passed and what failed. A part that proves nothing counts as failed. */

/** What is said of one failed test, in characters. */
const SAID = 400;

/** @typedef {{ passed: number, failed: number, notes: readonly string[] }} Totals */

/**
 * A check that either holds or does not.
 * @param {number} code exit code
 * @returns {Totals}
 */
export function ofCheck(code) {
  return code === 0 ? { passed: 1, failed: 0, notes: [] } : { passed: 0, failed: 1, notes: [`exit code ${code}`] };
}

/**
 * A run of vitest, by its JSON report and its exit code.
 * @param {string | null} report null if it wrote none
 * @param {number} code
 * @returns {Totals}
 */
export function ofVitest(report, code) {
  if (report === null) return { passed: 0, failed: 1, notes: ['no report was written'] };
  const { testResults = [] } = JSON.parse(report);
  const tests = testResults.flatMap(file => file.assertionResults ?? []);
  const count = status => tests.filter(test => test.status === status).length;
  const passed = count('passed');
  let failed = count('failed');
  const notes = [];
  // A file that cannot be loaded has no tests, and must not pass for that.
  const broken = testResults.filter(
    file => file.status === 'failed' && !(file.assertionResults ?? []).some(test => test.status === 'failed'),
  );
  failed += broken.length;
  for (const file of broken) notes.push(`${file.name}: ${file.message || 'could not be run'}`);
  const others = tests.length - passed - count('failed');
  if (others > 0) notes.push(`${others} skipped`);
  if (passed === 0 && failed === 0) return { passed, failed: 1, notes: [...notes, 'no test ran'] };
  // An error outside of any test: only the exit code tells.
  if (code !== 0 && failed === 0)
    return { passed, failed: 1, notes: [...notes, `exit code ${code}, with no failed test`] };
  return { passed, failed, notes };
}

/**
 * The tests that failed, a line each: file, name, and the first line of what was wrong.
 * @param {string | null} report
 * @returns {readonly string[]}
 */
export function failedTests(report) {
  const { testResults = [] } = JSON.parse(report ?? '{}');
  return testResults.flatMap(file =>
    (file.assertionResults ?? [])
      .filter(test => test.status === 'failed')
      .map(test => {
        const [why = ''] = (test.failureMessages ?? [''])[0]?.split('\n') ?? [];
        return `${file.name} > ${test.fullName}: ${why}`.slice(0, SAID);
      }),
  );
}

/**
 * A harness of ours: its last line "N passed, N failed" if there is one, else its exit code alone.
 * @param {string} output
 * @param {number} code
 * @returns {Totals}
 */
export function ofHarness(output, code) {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  const match = /^(\d+) passed, (\d+) failed$/.exec(line);
  if (match === null) return ofCheck(code);
  const [passed, failed] = [Number(match[1]), Number(match[2])];
  if (failed === 0 && (code !== 0 || passed === 0)) return { passed, failed: 1, notes: [`exit code ${code}`] };
  return { passed, failed, notes: [] };
}

/**
 * @param {readonly Totals[]} all
 * @returns {string} the closing line
 */
export function closingLine(all) {
  const sum = field => all.reduce((total, part) => total + part[field], 0);
  return `${sum('passed')} passed, ${sum('failed')} failed`;
}
