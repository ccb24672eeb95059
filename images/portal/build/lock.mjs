// What a bundle can consist of stands in the lock that was installed, and nowhere in the bundle: the image carries it along.
import { gzipSync } from "node:zlib";

const KEPT = ["version", "name", "license", "link", "dependencies", "optionalDependencies", "peerDependencies", "peerDependenciesMeta", "os"];

/**
 * Return package-lock.json without what only development needs, gzipped: some kilobytes. `portal` is the folder of the
 * workspace's member whose bundle this is. src/slipway/inventory/npm.py follows its dependencies through the rest.
 */
export function productionLock(text, portal) {
  const { lockfileVersion, packages = {} } = JSON.parse(text);
  const kept = Object.entries(packages).filter(([, entry]) => !entry.dev).map(([place, entry]) => {
    const keys = KEPT.concat(entry.link ? ["resolved"] : []).filter((key) => key in entry);
    return [place, Object.fromEntries(keys.map((key) => [key, entry[key]]))];
  });
  return gzipSync(JSON.stringify({ portal, lockfileVersion, packages: Object.fromEntries(kept) }), { level: 9 });
}
