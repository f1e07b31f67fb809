// `node scores.mjs <url> <port of a Chromium>`: Lighthouse's scores of a page, and what costs points.
// Standard output, one line: {"scores": {category: of 100}, "lost": ["audit: title"]}.

import lighthouse from "lighthouse";

const [url, port] = process.argv.slice(2);
const onlyCategories = ["performance", "accessibility", "best-practices"];
const { lhr } = await lighthouse(url, { port: Number(port), onlyCategories, logLevel: "error" });

const scores = {};
const lost = [];
for (const [name, { score, auditRefs }] of Object.entries(lhr.categories)) {
  scores[name] = Math.round(score * 100);
  for (const { id, weight } of auditRefs) {
    const audit = lhr.audits[id];
    const isLost = weight > 0 && audit.score !== null && audit.score < 1;
    if (isLost) lost.push(`${id}: ${audit.title} ${audit.displayValue ?? ""}`.trim());
  }
}
process.stdout.write(`${JSON.stringify({ scores, lost, failed: lhr.runtimeError?.message ?? null })}\n`);
