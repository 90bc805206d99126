// Every refusal's page, in both languages, light and dark, on a telephone and on a desk: nothing is
// complained of, nothing is cut off, axe finds no fault, and what is read aloud is what programs are told.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import axe from 'axe-core';
import { fits, launch, picture, plan, readAloud, reader, signIn, watch } from './browser.mjs';

const LOCALES = { ja: 'ja-JP', en: 'en-GB' };
const HEIGHTS = { 320: 568, 1280: 800 };

async function visit(page, { url, signed_in: signedIn }) {
  await page.context().clearCookies();
  if (signedIn) await signIn(page.context(), url);
  return page.goto(url);
}

/// Squares in place of letters would be measured and pictured as if they could be read.
async function hasJapaneseFont(browser) {
  const page = await browser.newPage();
  const distinct = await page.evaluate(() => {
    const draw = (letter) => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 40, height: 40 });
      const context = canvas.getContext('2d');
      context.font = '32px sans-serif';
      context.fillText(letter, 2, 34);
      return canvas.toDataURL();
    };
    return new Set(['関', '所', 'サ'].map(draw)).size;
  });
  await page.close();
  assert.equal(distinct, 3, 'no font has Japanese letters: install one (Debian: fonts-noto-cjk)');
}

async function isReadAsToldToPrograms(page, answer, said, language) {
  const id = answer.headers()['x-request-id'];
  const nodes = await readAloud(page);
  assert.deepEqual(nodes[0], { role: 'RootWebArea', name: said.title, level: undefined });
  assert.equal(nodes[1].role, 'main', 'everything is in the landmark');
  assert.equal(nodes.filter(({ role }) => role === 'main').length, 1);
  const headings = nodes.filter(({ role }) => role === 'heading');
  assert.deepEqual(headings, [{ role: 'heading', name: said.title, level: 1 }]);

  const [title, happened, next, ...rest] =
    nodes.filter(({ role }) => role === 'StaticText').map(({ name }) => name);
  assert.equal(title, said.title);
  assert.equal([happened, next].join(language === 'ja' ? '' : ' '), said.detail);
  const links = nodes.filter(({ role }) => role === 'link').map(({ name }) => name);
  assert.deepEqual(rest.slice(0, links.length), links);
  assert.equal(links.length, [429, 502, 503, 504].includes(said.status) ? 1 : 0);
  const [, , heardId, , code, ...more] = rest.slice(links.length);
  assert.deepEqual([heardId, code, more], [id, `${said.status} ${said.reason}`, []]);
}

async function hasNoFault(page) {
  await page.evaluate(axe.source);
  const { violations, incomplete, passes } = await page.evaluate(() =>
    axe.run(document, { rules: { 'target-size': { enabled: true } } }));
  const faults = [...violations, ...incomplete].map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
  assert.deepEqual(faults, []);
  assert.ok(passes.some(({ id }) => id === 'color-contrast'), 'the contrast was measured');
}

/// Where there is a link, the keyboard reaches it, shows that it did, and the link asks again.
async function canBeAskedAgain(page, answer) {
  const link = page.getByRole('link');
  if (await link.count() === 0) return;
  await page.keyboard.press('Tab');
  const outline = await link.evaluate((a) => a === document.activeElement && getComputedStyle(a).outlineStyle);
  assert.equal(outline, 'solid');
  const [again] = await Promise.all([
    page.waitForResponse(answer.url()),
    page.waitForEvent('load'),
    page.keyboard.press('Enter'),
  ]);
  assert.notEqual(again.headers()['x-request-id'], answer.headers()['x-request-id']);
  assert.equal(again.status(), answer.status());
}

async function isOnePrintedSheet(page) {
  const pdf = (await page.pdf({ format: 'A4' })).toString('latin1');
  assert.equal(pdf.match(/\/Type\s*\/Page\b/g)?.length, 1);
}

async function checkPage({ page, seen }, refusal, { language, scheme, width }) {
  const said = refusal.said[language];
  const answer = await visit(page, refusal);
  assert.equal(answer.status(), said.status);
  assert.equal(answer.headers()['content-type'], 'text/html; charset=utf-8');
  const told = await page.evaluate(() => ({
    lang: document.documentElement.lang,
    title: document.title,
    h1: document.querySelector('h1').textContent,
    styled: getComputedStyle(document.querySelector('main')).borderTopWidth,
    back: getComputedStyle(document.body).backgroundColor,
  }));
  const back = scheme === 'dark' ? 'rgb(23, 22, 20)' : 'rgb(244, 242, 238)';
  assert.deepEqual(told, { lang: language, title: said.title, h1: said.title, styled: '4px', back });
  await fits(page);
  await picture(page, `${said.reason}-${language}-${scheme}-${width}`);
  await isReadAsToldToPrograms(page, answer, said, language);
  await hasNoFault(page);
  if (scheme === 'light' && width === '1280') {
    await isOnePrintedSheet(page);
    await canBeAskedAgain(page, answer);
  }
  assert.deepEqual(seen.take(), { complaints: [], fetched: [refusal.url] });
}

/// With a fault's own words: where it was found.
async function at(place, check) {
  try {
    await check();
  } catch (error) {
    throw new Error(`${place}: ${error.message}`, { cause: error });
  }
}

async function checkEveryPage(browser) {
  let pages = 0;
  for (const [language, locale] of Object.entries(LOCALES)) {
    for (const scheme of ['light', 'dark']) {
      for (const [width, height] of Object.entries(HEIGHTS)) {
        const viewport = { width: Number(width), height };
        const context = await reader(browser, locale, { colorScheme: scheme, viewport });
        const page = await context.newPage();
        const opened = { page, seen: watch(page) };
        for (const refusal of plan.refusals) {
          const place = `${refusal.url} ${language} ${scheme} ${width}`;
          await at(place, () => checkPage(opened, refusal, { language, scheme, width }));
          pages += 1;
        }
        await context.close();
      }
    }
  }
  return pages;
}

/// Text twice as large, by the reader's own setting, on the narrowest window (WCAG 2.2, 1.4.4 and 1.4.10).
async function checkLargeText() {
  const browser = await launch('--blink-settings=defaultFontSize=32,defaultFixedFontSize=26');
  for (const [language, locale] of Object.entries(LOCALES)) {
    const context = await reader(browser, locale, { viewport: { width: 320, height: 568 } });
    const page = await context.newPage();
    for (const refusal of plan.refusals) {
      await at(`${refusal.url} ${language} in large text`, async () => {
        await visit(page, refusal);
        const size = await page.evaluate(() => getComputedStyle(document.body).fontSize);
        assert.equal(size, '32px');
        await fits(page);
        await picture(page, `${refusal.said[language].reason}-${language}-large-320`);
      });
    }
    await context.close();
  }
  await browser.close();
}

mkdirSync(plan.pictures, { recursive: true });
const browser = await launch();
await hasJapaneseFont(browser);
const pages = await checkEveryPage(browser);
await browser.close();
await checkLargeText();
console.log(`${pages} pages of ${plan.refusals.length} refusals without a fault; pictures in ${plan.pictures}`);
