// s3rver with the keys of the tests: node serve.mjs PORT FOLDER
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const S3rver = require("s3rver");
const { DUMMY_ACCOUNT } = require("s3rver/lib/models/account");

const [port, directory] = process.argv.slice(2);
DUMMY_ACCOUNT.createKeyPair("packmule", "no secret");
await new S3rver({ address: "127.0.0.1", port: Number(port), directory, silent: true }).run();
