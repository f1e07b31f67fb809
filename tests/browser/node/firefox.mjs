// Firefox, driven over WebDriver BiDi: keeps some of the page's promises, and says how each went.
// Standard input: {"firefox": program, "url": the service, "good": [links], "dead": link}.
// Standard output: {"promise": null, or what went wrong} for all of them, as one line.

import { readFileSync } from "node:fs";
import puppeteer from "puppeteer-core";

const PATIENCE = 60_000; // milliseconds: what takes longer hangs

const given = JSON.parse(readFileSync(0, "utf8"));

const promises = {
  async start(page) {
    await page.goto(given.url);
    await page.type("#links", "ftp://example.org/a");
    await page.$eval("#links", (field) => field.blur());
    await has(page, "#wrong", "Line 1");
    await has(page, "#make", "Create ZIP");
  },
  async ready(page) {
    await create(page, given.good);
    await has(page, "#job-state", "Your archive is ready");
    // The bytes are checked, not a file on the disk: BiDi has no word yet for where downloads go.
    const start = await page.evaluate(async () => {
      const answer = await fetch(document.getElementById("download").href);
      return [answer.status, ...new Uint8Array(await answer.arrayBuffer()).slice(0, 4)].join();
    });
    if (start !== "200,80,75,3,4") throw new Error(`the download begins with ${start}`);
  },
  async dead(page) {
    await create(page, [...given.good, given.dead]);
    await has(page, "#job-state", "1 of 3 files couldn't be fetched");
    await has(page, ".failure", "Not found (404)");
    await press(page, "#job .buttons button");
    await has(page, "#job-state", "Your archive is ready, but incomplete");
  },
};

async function create(page, links) {
  await page.goto(given.url);
  await page.waitForSelector("#choose:not([hidden])"); // the script runs
  await page.type("#links", links.join("\n"));
  await press(page, "#make");
}

const press = (page, selector) => page.locator(selector).setTimeout(PATIENCE).click();

async function has(page, selector, text) {
  const isThere = (where, what) => document.querySelector(where)?.textContent.includes(what);
  await page.waitForFunction(isThere, { timeout: PATIENCE }, selector, text).catch(async (error) => {
    const seen = await page.$eval("main", (main) => main.innerText);
    throw new Error(`${selector} never said "${text}", but: ${seen}`, { cause: error });
  });
}

async function outcome(browser, keep) {
  const page = await browser.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("request", (request) => {
    if (!/^(data|blob|about):/.test(request.url()) && !request.url().startsWith(given.url)) {
      faults.push(`asked ${request.url()}`);
    }
  });
  try {
    await keep(page);
  } catch (error) {
    faults.unshift(error.message);
  }
  await page.close();
  return faults.length ? faults.join("; ") : null;
}

const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: given.firefox,
  headless: true,
});
const outcomes = {};
try {
  for (const [name, keep] of Object.entries(promises)) outcomes[name] = await outcome(browser, keep);
} finally {
  await browser.close();
}
process.stdout.write(`${JSON.stringify(outcomes)}\n`);
