// yazl fed by undici: entries are written one after another, stored.
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { ZipFile } from 'yazl';
import { bodies, readJob } from './bodies.mjs';

const { urls, output } = await readJob();
const archive = new ZipFile();
const file = createWriteStream(output);
archive.on('error', (error) => { throw error; });
archive.outputStream.pipe(file);
for await (const { name, body } of bodies(urls)) {
  const read = once(body, 'end');
  archive.addReadStream(body, name, { compress: false });
  await read;
}
const closed = once(file, 'close');
archive.end();
await closed;
