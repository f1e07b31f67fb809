// The links of a job as response bodies in their order, a few opened ahead so that latency overlaps.
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';

const AHEAD = 16;

export async function readJob() {
  const [links, output] = process.argv.slice(2);
  const urls = (await readFile(links, 'utf8')).split('\n').filter(Boolean);
  return { urls, output };
}

export async function* bodies(urls) {
  const dispatcher = new Agent({ connections: AHEAD });
  const opened = [];
  let next = 0;
  const open = () => {
    if (next < urls.length) opened.push(request(urls[next++], { dispatcher }));
  };
  while (next < Math.min(AHEAD, urls.length)) open();
  for (const url of urls) {
    const { statusCode, body } = await opened.shift();
    if (statusCode !== 200) throw new Error(`${statusCode} for ${url}`);
    yield { name: new URL(url).pathname.split('/').pop(), body };
    open();
  }
  await dispatcher.close();
}
