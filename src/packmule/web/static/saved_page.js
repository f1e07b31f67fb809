// Links, images and videos of a web page, as the browser's parser finds them; nothing in it runs or
// loads.

const WEB = /^https?:\/\/\S/i;
const KINDS = {
  links: { "a[href], area[href]": ["href"] },
  images: { img: ["src", "data-src"], "picture source, img[srcset]": ["srcset"], 'meta[property="og:image"]': ["content"] },
  videos: { "video[src], video source": ["src"], 'meta[property="og:video"]': ["content"] },
};

// Where the page itself came from, and with it what its relative links mean.
function baseOf(page, html) {
  const said =
    page.querySelector("x-base[href]")?.getAttribute("href") ??
    /SourceURL:(\S+)/.exec(html.slice(0, 1000))?.[1] ?? // the clipboard of Windows
    /saved from url=\(\d+\)(\S+)/.exec(html.slice(0, 2000))?.[1]; // a page saved by Chromium
  return said && WEB.test(said) ? said : undefined;
}

// The largest image of a set is the last one, as people write them.
const inSet = (text) => text.split(/,\s+/).at(-1).trim().split(/\s+/)[0];

function linesOfKind(page, base, selectors) {
  const found = new Set();
  for (const [selector, names] of Object.entries(selectors)) {
    for (const each of page.querySelectorAll(selector)) {
      for (const name of names) {
        const text = each.getAttribute(name)?.trim();
        const href = text && name === "srcset" ? inSet(text) : text;
        if (!href || !URL.canParse(href, base)) continue;
        const url = new URL(href, base);
        url.hash = "";
        if (WEB.test(url.href)) found.add(url.href);
      }
    }
  }
  return [...found];
}

// { links, images, videos } of a web page, each in the page's order and each once.
export function linesOfHtml(html) {
  // Nothing of it takes effect here, but the policy would complain of each handler, style and base.
  const tame = html.replace(/\s(on[a-z]+|style)\s*=/gi, " data-$1=").replace(/<base\b/gi, "<x-base");
  const page = new DOMParser().parseFromString(tame, "text/html");
  const base = baseOf(page, html);
  return Object.fromEntries(
    Object.entries(KINDS).map(([kind, selectors]) => [kind, linesOfKind(page, base, selectors)]),
  );
}
