import { useCallback, useEffect, useState } from "react";

export interface Loaded<T> {
  data: T | null;
  error: string | null;
  reload: () => void;
}

/**
 * Loads once and again whenever `revision` changes. `load` must be the same function on every render.
 * What was loaded stays on screen while the next answer is under way, and also when that one fails.
 */
export function useLoad<T>(load: () => Promise<T>, revision: unknown = null): Loaded<T> {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    let stale = false;
    load().then(
      (answer) => {
        if (stale) return;
        setData(answer);
        setError(null);
      },
      (reason: unknown) => {
        if (!stale) setError(reason instanceof Error ? reason.message : String(reason));
      },
    );
    return () => {
      stale = true;
    };
  }, [load, revision, attempt]);

  return { data, error, reload: useCallback(() => setAttempt((count) => count + 1), []) };
}
