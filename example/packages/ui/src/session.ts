import { useSyncExternalStore } from "react";

export interface Session {
  username: string;
  access: string;
  refresh: string;
}

const KEY = "zamio.session";
const listeners = new Set<() => void>();
let current = load();

// sessionStorage: each portal has an origin of its own, and a closed tab is a log-out.
function load(): Session | null {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    return isSession(stored) ? stored : null;
  } catch {
    return null;
  }
}

function isSession(value: unknown): value is Session {
  if (typeof value !== "object" || value === null) return false;
  const { username, access, refresh } = value as Record<string, unknown>;
  return [username, access, refresh].every((part) => typeof part === "string");
}

export function getSession(): Session | null {
  return current;
}

export function setSession(session: Session | null): void {
  current = session;
  if (session) sessionStorage.setItem(KEY, JSON.stringify(session));
  else sessionStorage.removeItem(KEY);
  listeners.forEach((listener) => listener());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The current session; the component renders again when somebody logs in or out. */
export function useSession(): Session | null {
  return useSyncExternalStore(subscribe, getSession);
}
