// Is the finished bundle free of values? Each finding names the variable and the file.
import { readFileSync } from "node:fs";
import { basename } from "node:path";

import { token } from "./variables.mjs";

const TEXT = /\.(?:[cm]?js|html|css)$/;
// Between quotes it is a text and no look-up; a page has no look-ups at all.
const QUOTED = /(["'`])globalThis\.__ENV\.(VITE_\w+)\1/g;
const ANY = /globalThis\.__ENV\.(VITE_\w+)/g;

/** Return what is wrong: `files` are paths, `kinds` name -> type. */
export function misread(files, kinds) {
  const found = [];
  for (const file of files) {
    const content = readFileSync(file);
    const baked = [...kinds].filter(([name, type]) => content.includes(token(name, type))).map(([name]) => name);
    const text = TEXT.test(file) ? content.toString("utf8") : "";
    const quoted = [...text.matchAll(file.endsWith(".html") ? ANY : QUOTED)].map((match) => match.at(-1));
    for (const name of new Set([...baked, ...quoted])) {
      found.push(`${name} is read in a way that cannot be configured at start (in ${basename(file)})`);
    }
  }
  return found;
}
