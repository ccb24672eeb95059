// Wraps a portal's own Vite configuration: `import.meta.env.VITE_X` becomes a look-up in what /env.js says when the page
// loads. `build.mjs` puts this file beside the portal's package.json, so that `vite` is the portal's own.
import { loadConfigFromFile, mergeConfig } from "vite";

const PREFIX = "import.meta.env.";
const declared = (process.env.SLIPWAY_DECLARED ?? "").split(" ").filter(Boolean);
const mentioned = (process.env.SLIPWAY_MENTIONED ?? "").split(" ").filter(Boolean);

/** Put env.js in front of every script of the page, where the portal's own files are. */
function environmentScript() {
  let base = "/";
  return {
    name: "slipway:env.js",
    enforce: "post",
    configResolved: (config) => {
      base = config.base;
    },
    transformIndexHtml: () => {
      // Files on another origin (a base with a host) do not bring env.js along: it comes from the portal itself.
      const folder = /^(?:[a-z]+:)?\/\//i.test(base) ? "/" : base || "./";
      return [{ tag: "script", attrs: { src: `${folder}env.js` }, injectTo: "head-prepend" }];
    },
  };
}

export default async (env) => {
  const own = (await loadConfigFromFile(env))?.config ?? {};
  // What the portal defines itself (a version from package.json) stays as it is, unless Slipway is to set it.
  const names = new Set([...declared, ...mentioned.filter((name) => !(PREFIX + name in (own.define ?? {})))]);
  const define = Object.fromEntries([...names].map((name) => [PREFIX + name, `globalThis.__ENV.${name}`]));
  return mergeConfig(own, { define, plugins: [environmentScript()] });
};
