import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closingLine, failedTests, ofCheck, ofHarness, ofVitest } from './totals.mjs';

const file = (status, ...tests) => ({
  name: 'a.test.ts',
  status,
  message: '',
  assertionResults: tests.map(one => ({ status: one })),
});
const report = (...files) => JSON.stringify({ testResults: files });

void test('tests are counted', () => {
  assert.deepEqual(ofVitest(report(file('passed', 'passed', 'passed'), file('failed', 'passed', 'failed')), 1), {
    passed: 3,
    failed: 1,
    notes: [],
  });
});

void test('what is skipped is neither, and is said', () => {
  assert.deepEqual(ofVitest(report(file('passed', 'passed', 'pending', 'todo')), 0), {
    passed: 1,
    failed: 0,
    notes: ['2 skipped'],
  });
});

void test('a file that cannot be loaded is a failure', () => {
  const { passed, failed, notes } = ofVitest(report(file('passed', 'passed'), file('failed')), 1);
  assert.deepEqual([passed, failed], [1, 1]);
  assert.match(notes.join(), /a\.test\.ts: could not be run/);
});

void test('an error outside of any test is a failure', () => {
  assert.equal(ofVitest(report(file('passed', 'passed')), 1).failed, 1);
});

void test('failed tests are named, a bounded line each', () => {
  const failed = why => ({ status: 'failed', fullName: 'the log keeps', failureMessages: [why] });
  const results = [
    { name: 'a.test.ts', assertionResults: [{ status: 'passed' }, failed('lost\n  at x'), failed('y'.repeat(999))] },
  ];
  const [first, second, ...others] = failedTests(JSON.stringify({ testResults: results }));
  assert.equal(first, 'a.test.ts > the log keeps: lost');
  assert.equal(second.length, 400);
  assert.deepEqual(others, []);
  assert.deepEqual(failedTests(null), []);
});

void test('no tests and no report are failures', () => {
  assert.equal(ofVitest(report(), 0).failed, 1);
  assert.equal(ofVitest(null, 0).failed, 1);
});

void test('checks and harnesses count by exit code, harnesses by their own line too', () => {
  assert.equal(ofCheck(0).passed, 1);
  assert.equal(ofCheck(2).failed, 1);
  assert.deepEqual(ofHarness('a\n12 passed, 0 failed\n', 0), { passed: 12, failed: 0, notes: [] });
  assert.equal(ofHarness('12 passed, 3 failed', 1).failed, 3);
  assert.equal(ofHarness('12 passed, 0 failed', 1).failed, 1);
  assert.equal(ofHarness('0 passed, 0 failed', 0).failed, 1);
  assert.equal(ofHarness('no line', 0).passed, 1);
});

void test('the closing line adds up', () => {
  assert.equal(closingLine([ofCheck(0), ofCheck(1), ofHarness('5 passed, 0 failed', 0)]), '6 passed, 1 failed');
});
