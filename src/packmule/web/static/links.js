// Links, as typed: read line by line, checked by the server's rules, told in the server's words.
// Pure. The law is outbound/urls.py and hosts.py; a test compares both, case by case. What only the
// server can know (which addresses it may reach, names beyond ASCII) it says when it is asked.

const LONGEST = 8192;
const LAST_PORT = 65535;
const LONGEST_NAME = 1024;

const PARTS = /^([a-zA-Z]+):\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?$/s;
const SCHEME = /^([a-zA-Z][a-zA-Z0-9+.-]*):/;
const AUTHORITY = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/s;
const NUMBER = /^(?:[0-9]+|0x[0-9a-f]*)$/;
const LABEL = /^[a-z0-9_-]{1,63}$/;
const OCTET = /^(?:0|[1-9][0-9]{0,2})$/;
const BUCKET = /^(s3|gs):\/\/[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]\/./;
const WEB = new Set(["http", "https"]);

// --- one link -------------------------------------------------------------------------------------

// What is wrong with a link, as a sentence without its subject's URL; null where nothing is.
export function fault(text) {
  if (text.length > LONGEST) return `the link is longer than ${LONGEST} characters`;
  if (!text) return "the link is empty";
  if (/[\x00-\x1f\x7f]/.test(text)) {
    return "the link contains a control character such as a tab or a line break";
  }
  if (text.includes("\\")) return "the link contains a backslash: use / or, inside a name, %5C";
  if (/\p{Surrogate}/u.test(text)) return "the link contains an invalid character (a lone surrogate)";
  if (BUCKET.test(text)) return null; // rewritten by the server
  const parts = PARTS.exec(text);
  if (!parts || !WEB.has(parts[1].toLowerCase())) return noScheme(text);
  return faultOfSite(parts[2]) ?? faultOfLength(parts);
}

// The link with https:// in front where that alone is missing, as in www.example.org/a; else null.
export function withScheme(text) {
  const isHost = /^[a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]+)?([/?#]|$)/i.test(text);
  return isHost && fault(`https://${text}`) === null ? `https://${text}` : null;
}

function noScheme(text) {
  const found = SCHEME.exec(text);
  if (!found) return "the link must begin with http:// or https://";
  if (WEB.has(found[1].toLowerCase())) {
    return "http: or https: must be followed by two slashes and a host";
  }
  return "only http:// and https:// links can be fetched";
}

function faultOfSite(authority) {
  if (authority.includes("@")) {
    return "links with a user name or password are not accepted: remove everything up to the @";
  }
  const found = AUTHORITY.exec(authority);
  if (!found) {
    return "the host and port are not valid: write them as host:port or [address]:port";
  }
  const [, host, port] = found;
  const wrong = faultOfHost(host);
  if (wrong) return wrong;
  if (port && !(/^0{0,10}[1-9][0-9]{0,4}$/.test(port) && Number(port) <= LAST_PORT)) {
    return `the port is not valid: use 1 to ${LAST_PORT}`;
  }
  return null;
}

function faultOfHost(text) {
  if (!text) return "the link has no host: write it as https://host/path";
  if (text[0] === "[") return faultOfIpv6(text);
  const name = text.endsWith(".") ? text.slice(0, -1) : text;
  for (const label of name.split(".")) {
    if (/[^\x00-\x7f]/.test(label)) continue; // the server knows IDNA's tables
    if (!LABEL.test(label.toLowerCase())) return faultOfLabel(label);
  }
  if (name.length > 253) return "the host is longer than 253 characters";
  if (!NUMBER.test(name.toLowerCase().split(".").at(-1))) return null;
  if (text.endsWith(".")) return "an IP address cannot end with a dot: remove it";
  const octets = name.split(".");
  if (octets.length === 4 && octets.every((each) => OCTET.test(each) && Number(each) < 256)) return null;
  return (
    "a host that ends in a number must be an IPv4 address of four decimal numbers, such as 192.0.2.1"
  );
}

function faultOfLabel(label) {
  if (!label) return "the host has two dots in a row, or begins with one";
  if (label.includes("%")) return "the host contains a %: write its characters unencoded";
  if (/\s/.test(label)) return "the host contains a space: remove it";
  if (label.length > 63) return "the host has a part longer than 63 characters";
  return "the host contains characters other than letters, digits, hyphens and dots";
}

function faultOfIpv6(text) {
  if (text.includes("%")) {
    return "an address with a zone (%) is on the local network: it cannot be fetched";
  }
  if (!/^\[[0-9a-f:.]+\]$/i.test(text)) {
    return "the brackets do not contain an IPv6 address such as [2001:db8::1]";
  }
  return URL.canParse(`http://${text}/`) ? null : "the IPv6 address is not valid";
}

// Escapes make a link longer: a letter beyond ASCII takes three characters for each of its bytes.
function faultOfLength([, scheme, authority, path, query = ""]) {
  const start = scheme.length + 3 + authority.length;
  const escaped =
    path.replace(/[ "<>^`{}]|%(?![0-9A-Fa-f]{2})/g, "%xx") + query.replace(/[ "<>]|%(?![0-9A-Fa-f]{2})/g, "%xx");
  const beyond = escaped.replace(/[\x00-\x7f]/g, "");
  const longer = beyond ? new TextEncoder().encode(beyond).length * 3 - beyond.length : 0;
  if (start + (path ? 0 : 1) + escaped.length + longer <= LONGEST) return null;
  return `the link is longer than ${LONGEST} characters once it is encoded`;
}

// --- many lines -----------------------------------------------------------------------------------

const NEXT_LINK = /(?<![\s,;])[\s,;]+(?=["'`<]?https?:\/\/)|(?<=>)(?=<https?:\/\/)/i;
const QUOTES = { '"': '"', "'": "'", "`": "`", "<": ">" };

// A link without the quotes and punctuation around it, nor HTML's escaping of a whole query.
function bare(text) {
  let url = text.trim().replace(/[,;]+$/, "").trim();
  if (url.length > 1 && QUOTES[url[0]] === url.at(-1)) url = url.slice(1, -1).trim();
  const at = url.indexOf("?");
  if (at < 0 || /&(?!amp;)/.test(url.slice(at))) return url;
  return url.slice(0, at) + url.slice(at).replaceAll("&amp;", "&");
}

// The links of each line: the line's number from 1, the link, its name after a tab ("" for none).
// Empty lines and those that begin with # ask for nothing. The law is outbound/link_list.py.
export function read(text) {
  return text.split("\n").flatMap((line, index) => {
    const said = line.trim();
    if (!said || said.startsWith("#")) return [];
    return said
      .split(NEXT_LINK)
      .map((piece) => {
        const at = piece.indexOf("\t");
        const url = bare(at < 0 ? piece : piece.slice(0, at));
        return { number: index + 1, url, name: at < 0 ? "" : piece.slice(at + 1).trim() };
      })
      .filter((each) => each.url);
  });
}

// The links read, with those that are there twice (all but the first) and those that cannot be used.
export function check(text) {
  const lines = read(text);
  const seen = new Set();
  const twice = [];
  const wrong = [];
  for (const line of lines) {
    const same = `${line.url}\t${line.name}`;
    if (seen.has(same)) twice.push(line);
    seen.add(same);
    const why = fault(line.url) ?? (line.name.length > LONGEST_NAME ? "the name is too long" : null);
    if (why) wrong.push({ ...line, why });
  }
  return { lines, twice, wrong };
}

// The text without the lines of which every link is there already; all else stays as it was typed.
export function withoutDuplicates(text) {
  const { lines, twice } = check(text);
  const again = new Set(twice);
  const needed = new Set(lines.filter((line) => !again.has(line)).map((line) => line.number));
  const doomed = new Set(twice.map((line) => line.number).filter((number) => !needed.has(number)));
  return text
    .split("\n")
    .filter((_, index) => !doomed.has(index + 1))
    .join("\n");
}
