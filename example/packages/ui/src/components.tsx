import { useState, type FormEvent, type ReactNode } from "react";
import { logIn, logOut } from "./api";
import { useSession } from "./session";
import type { LivePlays } from "./useLivePlays";

export function Page({ title, children }: { title: string; children: ReactNode }) {
  const session = useSession();
  return (
    <>
      <header>
        <strong>ZamIO</strong>
        <h1>{title}</h1>
        {session && (
          <span className="session">
            {session.username} <button onClick={logOut}>Log out</button>
          </span>
        )}
      </header>
      <main>{children}</main>
    </>
  );
}

export function Card({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="card">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

export function Figure({ label, value, note }: { label: string; value: ReactNode; note?: string }) {
  return (
    <div className="figure">
      <span>{label}</span>
      <b>{value}</b>
      {note && <small>{note}</small>}
    </div>
  );
}

/** The number of plays as it moves; `useLivePlays` gives the properties, once per page. */
export function LiveCounter({ total, connected }: LivePlays) {
  return (
    <div aria-live="polite">
      <Figure label="Plays so far" value={total ?? "–"} note={connected ? "live" : "connecting"} />
    </div>
  );
}

export function Failure({ message, retry }: { message: string | null; retry?: () => void }) {
  if (!message) return null;
  return (
    <p role="alert" className="failure">
      {message} {retry && <button onClick={retry}>Try again</button>}
    </p>
  );
}

/** Rows of name and number, each with a bar against the largest. */
export function Bars({ rows }: { rows: { name: string; detail?: string; value: number }[] }) {
  const largest = Math.max(1, ...rows.map((row) => row.value));
  if (rows.length === 0) return <p>Nothing yet.</p>;
  return (
    <ol className="bars">
      {rows.map((row) => (
        <li key={row.name}>
          <span>
            {row.name} {row.detail && <small>{row.detail}</small>}
          </span>
          <meter min={0} max={largest} value={row.value} />
          <b>{row.value}</b>
        </li>
      ))}
    </ol>
  );
}

/** Shows `children` to somebody who has logged in, and the form to everybody else. */
export function Members({ children }: { children: ReactNode }) {
  return useSession() ? children : <LogIn />;
}

function LogIn() {
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setError(null);
    try {
      await logIn(String(form.get("username")), String(form.get("password")));
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason));
      setBusy(false);
    }
  };

  return (
    <Card title="Log in">
      <form onSubmit={submit}>
        <label>
          User name
          <input name="username" autoComplete="username" required maxLength={150} />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <button disabled={busy}>Log in</button>
        <Failure message={error} />
      </form>
    </Card>
  );
}
