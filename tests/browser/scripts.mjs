// A page of the tenant's asks the gateway as front ends do: its scripts get what a script can read, whatever
// they accept, and only a person who opens an address gets a page.

import assert from 'node:assert/strict';
import { launch, plan, reader, signIn, watch } from './browser.mjs';

const HTML = 'text/html,application/xhtml+xml,*/*;q=0.8';
const LIST = '/api/assistants';

async function scriptsGetProblems(page) {
  for (const how of ['fetch', 'xhr']) {
    for (const accept of [undefined, HTML]) {
      const { status, type, challenge, body } =
        await page.evaluate(([how, url, accept]) => asks[how](url, accept), [how, LIST, accept]);
      const want = { status: 401, type: 'application/problem+json', challenge: 'Bearer realm="sekisho"' };
      assert.deepEqual({ status, type, challenge }, want, `${how} accepting ${accept}`);
      assert.equal(JSON.parse(body).reason, 'token-missing');
    }
  }
}

async function navigationsGetPages(page) {
  for (const [role, status, title] of [['link', 401, 'Sign-in required'], ['button', 405, 'Not possible here']]) {
    await page.goto(plan.desk);
    const [answer] = await Promise.all([
      page.waitForResponse((answer) => answer.url().endsWith(LIST)),
      page.getByRole(role).click(),
    ]);
    assert.equal(answer.status(), status);
    assert.equal(answer.headers()['content-type'], 'text/html; charset=utf-8');
    await page.getByRole('heading', { level: 1, name: title }).waitFor();
  }
}

/// What another page can frame, it can dress up as something else.
async function nobodyFramesThem(page) {
  await page.goto(plan.desk);
  const answered = page.waitForResponse((answer) => answer.url().endsWith(LIST));
  const refused = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'));
  await page.evaluate((src) => document.body.append(Object.assign(document.createElement('iframe'), { src })), LIST);
  assert.equal((await answered).status(), 401);
  await refused;
}

const browser = await launch();
const context = await reader(browser, 'en-GB');
const page = await context.newPage();
const seen = watch(page);
await page.goto(plan.desk);
await scriptsGetProblems(page);
await navigationsGetPages(page);
assert.deepEqual(seen.take().complaints, []);
await nobodyFramesThem(page);

// The same script with a session: what was refused was the missing sign-in.
await signIn(context, plan.desk);
await page.goto(plan.desk);
assert.equal((await page.evaluate((url) => asks.fetch(url), LIST)).status, 200);
await browser.close();
console.log('scripts got problems, navigations pages');
