// The rules of links, checked as they are typed.
// Pure. The law is outbound/urls.py and hosts.py; a test compares both, case by case. What only the
// server can know (which addresses it may reach, names beyond ASCII) it says when it is asked.

const LONGEST = 8192;
const LIMIT = { limit: String(LONGEST) };
const LAST_PORT = 65535;

const PARTS = /^([a-zA-Z]+):\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?$/s;
const SCHEME = /^([a-zA-Z][a-zA-Z0-9+.-]*):/;
const AUTHORITY = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/s;
const NUMBER = /^(?:[0-9]+|0x[0-9a-f]*)$/;
const LABEL = /^[a-z0-9_-]{1,63}$/;
const OCTET = /^(?:0|[1-9][0-9]{0,2})$/;
const BUCKET = /^(s3|gs):\/\/[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]\/./;
const WEB = new Set(["http", "https"]);

// What is wrong with a link, as the key of its sentence and that one's values; null where nothing is.
export function fault(text) {
  if (text.length > LONGEST) return ["link.too-long", LIMIT];
  if (!text) return ["link.empty"];
  if (/[\x00-\x1f\x7f]/.test(text)) return ["link.control"];
  if (text.includes("\\")) return ["link.backslash"];
  if (/\p{Surrogate}/u.test(text)) return ["link.surrogate"];
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
  if (!found) return ["link.no-scheme"];
  if (WEB.has(found[1].toLowerCase())) return ["link.no-slashes"];
  return ["link.other-scheme"];
}

function faultOfSite(authority) {
  if (authority.includes("@")) return ["link.user-info"];
  const found = AUTHORITY.exec(authority);
  if (!found) return ["link.authority"];
  const [, host, port] = found;
  const wrong = faultOfHost(host);
  if (wrong) return wrong;
  if (port && !(/^0{0,10}[1-9][0-9]{0,4}$/.test(port) && Number(port) <= LAST_PORT)) {
    return ["link.port", { last: String(LAST_PORT) }];
  }
  return null;
}

function faultOfHost(text) {
  if (!text) return ["link.no-host"];
  if (text[0] === "[") return faultOfIpv6(text);
  const name = text.endsWith(".") ? text.slice(0, -1) : text;
  for (const label of name.split(".")) {
    if (/[^\x00-\x7f]/.test(label)) continue; // the server knows IDNA's tables
    if (!LABEL.test(label.toLowerCase())) return faultOfLabel(label);
  }
  if (name.length > 253) return ["link.host-too-long"];
  if (!NUMBER.test(name.toLowerCase().split(".").at(-1))) return null;
  if (text.endsWith(".")) return ["link.address-dot"];
  const octets = name.split(".");
  if (octets.length === 4 && octets.every((each) => OCTET.test(each) && Number(each) < 256)) return null;
  return ["link.address-form"];
}

function faultOfLabel(label) {
  if (!label) return ["link.two-dots"];
  if (label.includes("%")) return ["link.percent"];
  if (/\s/.test(label)) return ["link.space"];
  if (label.length > 63) return ["link.label-too-long"];
  return ["link.label"];
}

function faultOfIpv6(text) {
  if (text.includes("%")) return ["link.zone"];
  if (!/^\[[0-9a-f:.]+\]$/i.test(text)) return ["link.brackets"];
  return URL.canParse(`http://${text}/`) ? null : ["link.address6"];
}

// Escapes make a link longer: a letter beyond ASCII takes three characters for each of its bytes.
function faultOfLength([, scheme, authority, path, query = ""]) {
  const start = scheme.length + 3 + authority.length;
  const escaped =
    path.replace(/[ "<>^`{}]|%(?![0-9A-Fa-f]{2})/g, "%xx") + query.replace(/[ "<>]|%(?![0-9A-Fa-f]{2})/g, "%xx");
  const beyond = escaped.replace(/[\x00-\x7f]/g, "");
  const longer = beyond ? new TextEncoder().encode(beyond).length * 3 - beyond.length : 0;
  if (start + (path ? 0 : 1) + escaped.length + longer <= LONGEST) return null;
  return ["link.encoded-too-long", LIMIT];
}
