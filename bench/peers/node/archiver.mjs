// archiver fed by undici: entries are written one after another, stored.
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { ZipArchive } from 'archiver';
import { bodies, readJob } from './bodies.mjs';

const { urls, output } = await readJob();
const archive = new ZipArchive({ store: true });
const file = createWriteStream(output);
archive.on('error', (error) => { throw error; });
archive.on('warning', (error) => { throw error; });
archive.pipe(file);
for await (const { name, body } of bodies(urls)) {
  const written = once(archive, 'entry');
  archive.append(body, { name });
  await written;
}
const closed = once(file, 'close');
await archive.finalize();
await closed;
