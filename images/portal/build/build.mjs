// Builds one portal: bundle to /bundle, what its container needs to know to /portal. Arguments come as variables:
//   PORTAL_PATH  OUTPUT   the workspace member, and the folder that its build writes
//   CONFIGURED            `start`: values are looked up in /env.js; `build`: all values are written into the bundle
//   VARIABLES             declared variables, a line each: NAME type required|optional [choice|choice]
//   VITE_ENV              lines NAME=value, written into the bundle; with `start` those that every environment shares
//   CSP                   lines `directive source source`, what the policy lets in besides what follows from the values
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { compress, filesBelow, inlineScripts, settle } from "./finish.mjs";
import { productionLock } from "./lock.mjs";
import { misread } from "./lookups.mjs";
import { declared, mentioned, sentinel } from "./variables.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const WRAPPER = "slipway.vite.config.mjs";
const WAY_OUT = "`configure: build` of the portal in the workspace file, or `--configure build`, keeps the classic way";
// `tsc && vite build --mode production`: npm appends our option to the last command.
const ENDS_IN_VITE = /(?:^|[;&|]\s*)(?:\w+=\S*\s+)*(?:npx\s+)?vite\s+build(?:\s[^;&|]*)?$/;

const { PORTAL_PATH: path, OUTPUT: output, CONFIGURED: configured, VARIABLES = "", VITE_ENV = "", CSP = "" } = process.env;

function refuse(code, ...lines) {
  for (const line of lines) console.error(`${path}: ${line}`);
  process.exit(code);
}

function written() {
  const pairs = VITE_ENV.split("\n").filter((line) => line !== "").map((line) => [line.split("=", 1)[0], line.slice(line.indexOf("=") + 1)]);
  for (const [name] of pairs) if (!name.startsWith("VITE_")) refuse(2, `VITE_ENV: '${name}' does not begin with VITE_`);
  return Object.fromEntries(pairs);
}

function atStart(kinds) {
  const script = JSON.parse(readFileSync(join(path, "package.json"), "utf8")).scripts?.build ?? "";
  if (!ENDS_IN_VITE.test(script.trim())) {
    refuse(2, `its script "build" does not end in \`vite build\`, so it cannot be configured at start: ${script}`, WAY_OUT);
  }
  if (/\s(?:-c|--config)[\s=]/.test(script)) {
    refuse(2, `its script "build" names a configuration of its own, so Slipway's cannot wrap it: ${script}`, WAY_OUT);
  }
  copyFileSync(join(HERE, WRAPPER), join(path, WRAPPER));
  const names = [...kinds.keys()].sort();
  return {
    variables: {
      ...Object.fromEntries(names.map((name) => [name, sentinel(name, kinds.get(name))])),
      SLIPWAY_DECLARED: [...declared(VARIABLES).keys()].join(" "),
      SLIPWAY_MENTIONED: names.join(" "),
    },
    options: ["--", "--config", WRAPPER],
  };
}

/** Name -> type of every variable that is declared, and of those the sources mention besides ("" for their type). */
function kindsOf(fixed) {
  const known = declared(VARIABLES);
  const names = new Set([...known.keys(), ...mentioned(".")].filter((name) => !(name in fixed)));
  return new Map([...names].map((name) => [name, known.get(name)?.type ?? ""]));
}

const fixed = written();
const kinds = configured === "start" ? kindsOf(fixed) : new Map();
const { variables, options } = configured === "start" ? atStart(kinds) : { variables: {}, options: [] };
const run = spawnSync("npm", ["run", "build", "--workspace", path, ...options], {
  stdio: "inherit",
  env: { ...process.env, VITE_ENV: undefined, VARIABLES: undefined, CSP: undefined, ...variables, ...fixed },
});
if (run.status !== 0) process.exit(run.status ?? 1);

const built = join(path, output);
const page = join(built, "index.html");
if (!existsSync(page)) refuse(1, `the build wrote no ${output}/index.html`);
const html = readFileSync(page, "utf8");
if (configured === "start") {
  const wrong = misread(filesBelow(built), kinds);
  if (wrong.length > 0) refuse(1, ...wrong, WAY_OUT);
  if (!/<script\b[^>]*\bsrc="[^"]*env\.js"/.test(html)) refuse(1, "its page does not load env.js", WAY_OUT);
}

rmSync("/bundle", { recursive: true, force: true });
const moved = spawnSync("cp", ["-r", built, "/bundle"], { stdio: "inherit" });
if (moved.status !== 0) process.exit(moved.status ?? 1);
compress(filesBelow("/bundle"));
settle("/bundle", filesBelow("/bundle"));

mkdirSync("/portal", { recursive: true });
const hashes = inlineScripts(html);
const csp = [CSP, hashes.length > 0 ? `script ${hashes.join(" ")}` : ""].filter(Boolean).join("\n");
const told = { configured: `${configured}\n`, variables: VARIABLES && `${VARIABLES}\n`, csp: csp && `${csp}\n` };
if (configured === "build") told.values = VITE_ENV && `${VITE_ENV}\n`;
for (const [name, text] of Object.entries(told)) writeFileSync(join("/portal", name), text);
writeFileSync("/portal/lock.gzip", productionLock(readFileSync("package-lock.json", "utf8"), path));
settle("/portal", filesBelow("/portal"));
