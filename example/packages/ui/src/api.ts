import { getSession, setSession } from "./session";
import type { Artist, Play, Stats } from "./types";

const TIMEOUT_MS = 10_000;

export const apiUrl = (import.meta.env.VITE_API_URL || "http://localhost:8000").replace(/\/+$/, "");

/** An answer of the API that is not a success; `status` is 0 when there was no answer. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function send(path: string, token: string | undefined, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    return await fetch(apiUrl + path, {
      method: body === undefined ? "GET" : "POST",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new ApiError(0, "The API does not answer. Try again in a moment.");
  }
}

async function read<T>(response: Response): Promise<T> {
  const data: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, explain(data, response.status));
  return data as T;
}

function explain(data: unknown, status: number): string {
  if (typeof data !== "object" || data === null) return `The API answered ${status}.`;
  const { detail, ...fields } = data as Record<string, unknown>;
  if (typeof detail === "string") return detail;
  return Object.entries(fields)
    .map(([field, errors]) => `${field}: ${[errors].flat().join(" ")}`)
    .join("; ");
}

let renewal: Promise<string | undefined> | null = null;

/** One renewal at a time, however many requests found the access token expired. */
function renew(): Promise<string | undefined> {
  renewal ??= (async () => {
    const session = getSession();
    if (!session) return undefined;
    const response = await send("/api/auth/token/refresh/", undefined, { refresh: session.refresh });
    if (!response.ok) {
      setSession(null);
      return undefined;
    }
    const { access } = await read<{ access: string }>(response);
    setSession({ ...session, access });
    return access;
  })().finally(() => {
    renewal = null;
  });
  return renewal;
}

async function request<T>(path: string, body?: unknown): Promise<T> {
  const token = getSession()?.access;
  let response = await send(path, token, body);
  if (response.status === 401 && token) {
    // Also without a new token: the API refuses a stale one even where it asks for none.
    response = await send(path, await renew(), body);
  }
  return read<T>(response);
}

export async function logIn(username: string, password: string): Promise<void> {
  const response = await send("/api/auth/token/", undefined, { username, password });
  const tokens = await read<{ access: string; refresh: string }>(response);
  setSession({ username, ...tokens });
}

export function logOut(): void {
  setSession(null);
}

export const listArtists = () => request<Artist[]>("/api/artists/");
export const getStats = () => request<Stats>("/api/stats/");
export const listPlays = () => request<Play[]>("/api/plays/");
export const recordPlay = (artist: string, station: string) => request<Play>("/api/plays/", { artist, station });
