// The variables of the portals. Written by `inv env.example` from env/schema.yaml; change that file, not this one.
// Every value is text. Include it once: by "include" of a portal's tsconfig.json, or a reference in a shared package.

/** What /env.js tells a page when it loads. */
interface PortalEnvironment {
  /** The API as a browser reaches it; a portal reads it in /env.js, or in its bundle where it is configured at build. */
  readonly VITE_API_URL: string;
}

interface ImportMetaEnv {
  /** The API as a browser reaches it; a portal reads it in /env.js, or in its bundle where it is configured at build. */
  readonly VITE_API_URL: string;
}

interface ImportMeta {
  readonly env: ImportMetaEnv;
}

/** Vite 6 and later: a name that is not declared here is an error. */
interface ViteTypeOptions {
  strictImportMetaEnv: unknown;
}

/** Absent where the portal is configured at build, and in `vite dev`. */
declare var __ENV: Readonly<PortalEnvironment> | undefined;
