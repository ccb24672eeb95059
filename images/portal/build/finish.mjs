// What nginx needs of a bundle besides its files: compressed twins, times, and the hashes of the page's own scripts.
import { createHash } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const COMPRESSIBLE = /\.(?:[cm]?js|css|html|json|map|svg|txt|xml|webmanifest|wasm|ttf|otf|eot|ico)$/;
const SMALLEST = 1024; // bytes; below it the headers weigh more than what is saved

/** Return every file below `folder`, in the order of names. */
export function filesBelow(folder) {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)]));
}

/** Write `.gz` and `.br` beside each file that gets smaller by them. */
export function compress(files) {
  for (const file of files.filter((name) => COMPRESSIBLE.test(name))) {
    const content = readFileSync(file);
    if (content.length < SMALLEST) continue;
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
    const twins = { gz: gzipSync(content, { level: 9 }), br: brotliCompressSync(content, { params }) };
    for (const [suffix, twin] of Object.entries(twins)) {
      if (twin.length < content.length) writeFileSync(`${file}.${suffix}`, twin);
    }
  }
}

/**
 * Give every file a time made of its content, so that layers come out the same again. One time for all would be wrong:
 * nginx makes its ETag of time and size, and a file that changed without growing would keep the old one.
 */
export function settle(folder, files) {
  const time = (content) => 1e9 + (createHash("sha256").update(content).digest().readUInt32BE(0) % 5e8);
  for (const file of files) {
    const seconds = time(readFileSync(file.replace(/\.(?:gz|br)$/, "")));
    utimesSync(file, seconds, seconds);
    chmodSync(file, 0o644);
  }
  for (const path of [...foldersBelow(folder), folder]) {
    chmodSync(path, 0o755);
    utimesSync(path, 1e9, 1e9);
  }
}

function foldersBelow(folder) {
  const inside = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return inside.map((entry) => join(folder, entry.name)).flatMap((path) => [...foldersBelow(path), path]);
}

/** Return the CSP sources of scripts that stand in a page itself. */
export function inlineScripts(html) {
  const scripts = [...html.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/gi)];
  const inline = scripts.filter(([, attributes, code]) => !/\ssrc\s*=/i.test(attributes) && code.trim() !== "");
  return inline.map(([, , code]) => `'sha256-${createHash("sha256").update(code).digest("base64")}'`);
}
