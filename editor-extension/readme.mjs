// Writes the README that goes into the VSIX: VS Code shows it without the files beside it, so its pictures are put inside.

import { readFileSync, writeFileSync } from "node:fs";

const [source, destination] = process.argv.slice(2);
const embedded = readFileSync(source, "utf8").replaceAll(
  /(!\[[^\]]*\]\()([^):]+\.png)\)/g,
  (_, before, path) => `${before}data:image/png;base64,${readFileSync(path, "base64")})`,
);
writeFileSync(destination, embedded);
