// Files by kind, as their names' extensions tell. Pure.

import { t } from "./language.js";

const EXTENSIONS = {
  images: "avif bmp cr2 cr3 dng gif heic heif jpeg jpg jxl nef png psd raw svg tif tiff webp",
  videos: "3gp avi flv m2ts m4v mkv mov mp4 mpeg mpg mts ogv webm wmv",
  audio: "aac aif aiff flac m4a mid mp3 oga ogg opus wav wma",
  documents: "csv doc docx epub json md odp ods odt pdf ppt pptx rtf tex txt xls xlsx xml",
  archives: "7z bz2 gz rar tar tgz xz zip zst",
};
const KIND = new Map(
  Object.entries(EXTENSIONS).flatMap(([kind, names]) => names.split(" ").map((name) => [name, kind])),
);

function kindOf({ url, name }) {
  const path = name || url.split(/[?#]/)[0];
  const [, extension] = /\.([a-z0-9]{1,5})$/i.exec(path) ?? [];
  return KIND.get(extension?.toLowerCase()) ?? "others";
}

// "10 images, 2 videos": the links by kind, without the wrong ones; "" where no kind is known.
export function kindsOf(lines, wrong) {
  const bad = new Set(wrong.map((line) => line.url));
  const counts = new Map([...Object.keys(EXTENSIONS), "others"].map((kind) => [kind, 0]));
  for (const line of lines) {
    if (bad.has(line.url)) continue;
    const kind = kindOf(line);
    counts.set(kind, counts.get(kind) + 1);
  }
  const found = [...counts].filter(([, count]) => count);
  if (found.every(([kind]) => kind === "others")) return "";
  return found.map(([kind, count]) => t(`count.${kind}`, { count })).join(", ");
}
