// Headless Chromium, and what a test asks of every page in it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

/// What tests/e2e/browser.rs has prepared.
export const plan = JSON.parse(readFileSync(0, 'utf8'));

const LONGEST_MINUTES = 8;
setTimeout(() => {
  console.error(`not done after ${LONGEST_MINUTES} minutes`);
  process.exit(1);
}, LONGEST_MINUTES * 60_000).unref();

const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Not every resolver knows the names below localhost (RFC 6761, section 6.3).
  '--host-resolver-rules=MAP *.localhost 127.0.0.1',
];

export const launch = (...more) =>
  chromium.launch({ executablePath: plan.chromium, args: [...QUIET, ...more] });

/// The gateway's certificate is of an authority of the test's, so nobody in the machine knows it.
export const reader = (browser, locale, more = {}) =>
  browser.newContext({ ignoreHTTPSErrors: true, locale, ...more });

export const signIn = (context, url) =>
  context.addCookies([{
    name: '__Host-sekisho', value: plan.token, url: new URL(url).origin, secure: true, httpOnly: true,
  }]);

/// Gathers what the browser complains of and what it fetches. That an answer is a refusal, which it
/// tells as an error too, is no complaint.
export function watch(page) {
  const seen = { complaints: [], fetched: [] };
  page.on('console', (message) => {
    const refused = message.text().startsWith('Failed to load resource: the server responded with a status of');
    if (!refused && ['error', 'warning'].includes(message.type())) seen.complaints.push(message.text());
  });
  page.on('pageerror', (error) => seen.complaints.push(String(error)));
  page.on('request', (request) => seen.fetched.push(request.url()));
  return {
    /// What there was since this was asked last.
    take() {
      const taken = { complaints: seen.complaints.splice(0), fetched: seen.fetched.splice(0) };
      return { complaints: taken.complaints, fetched: [...new Set(taken.fetched)] };
    },
  };
}

/// A picture for people. A busy machine's Chromium now and then has none to give at the first time.
export async function picture(page, name) {
  const path = `${plan.pictures}/${name}.png`;
  for (let tries = 3; ; tries -= 1) {
    try {
      return await page.screenshot({ path, fullPage: true, timeout: 10_000 });
    } catch (error) {
      if (tries === 1) throw error;
    }
  }
}

/// The accessibility tree as a screen reader walks it: each node's role, name and level.
export async function readAloud(page) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  await session.detach();
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  const walk = (node) => [
    ...(node.ignored ? [] : [{
      role: node.role.value,
      name: node.name?.value ?? '',
      level: node.properties?.find(({ name }) => name === 'level')?.value.value,
    }]),
    ...(node.childIds ?? []).flatMap((id) => walk(byId.get(id))),
  ];
  const root = nodes.find((node) => node.parentId === undefined);
  return walk(root).filter(({ role }) => role !== 'InlineTextBox');
}

/// Nothing leaves the window to the side (WCAG 2.2, 1.4.10).
export async function fits(page) {
  const outside = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const boxes = [...document.querySelectorAll('body, body *')];
    const wide = boxes.filter((box) => {
      const { left, right } = box.getBoundingClientRect();
      return left < 0 || right > width || box.scrollWidth > Math.ceil(box.getBoundingClientRect().width);
    });
    const scrolls = document.documentElement.scrollWidth > width;
    return [...wide.map((box) => box.outerHTML), ...(scrolls ? ['the page scrolls'] : [])];
  });
  assert.deepEqual(outside, []);
}
