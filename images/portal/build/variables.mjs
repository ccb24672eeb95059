// Which VITE_ variables a portal reads, and what stands in for each while it is built.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const SOURCES = /\.(?:[cm]?[jt]sx?|vue|svelte|astro|html)$/;
const NUMBERS = new Set(["integer", "number"]);

/** Parse lines `NAME type required|optional [choice|choice]` into name -> {type, required}. */
export function declared(text) {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => line.split(" ")).map(([name, type, needed]) => [name, { type, required: needed === "required" }]));
}

/** Return the VITE_ names that source files below `folder` mention, installed packages left out. */
export function mentioned(folder) {
  const names = new Set();
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== "node_modules") for (const name of mentioned(path)) names.add(name);
    if (!entry.isFile() || !SOURCES.test(entry.name)) continue;
    for (const [name] of readFileSync(path, "utf8").matchAll(/\bVITE_[A-Z0-9_]+\b/g)) names.add(name);
  }
  return names;
}

/** Return what betrays that a variable's value was written into the bundle: it stands nowhere else. */
export function token(name, type) {
  const hex = createHash("sha256").update(`slipway ${name}`).digest("hex");
  return NUMBERS.has(type) ? `7${BigInt(`0x${hex.slice(0, 9)}`).toString().padStart(11, "3").slice(0, 11)}` : `slipway-${hex.slice(0, 20)}`;
}

/** Return the value during the build. An address where the type allows one: configurations pass it to `new URL`. */
export function sentinel(name, type) {
  if (NUMBERS.has(type)) return token(name, type);
  if (type === "json") return JSON.stringify({ slipway: token(name, type) });
  return `https://${token(name, type)}.invalid`;
}
