import { Card, Failure, listArtists, LiveCounter, Members, Page, recordPlay, useLivePlays, useLoad } from "@zamio/ui";
import { useState, type FormEvent } from "react";

export function App() {
  const live = useLivePlays();
  return (
    <Page title="Stations">
      <Card title="On air">
        <LiveCounter {...live} />
      </Card>
      <Members>
        <LogPlay />
      </Members>
    </Page>
  );
}

function LogPlay() {
  const artists = useLoad(listArtists);
  const [station, setStation] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const artist = String(new FormData(event.currentTarget).get("artist"));
    setBusy(true);
    setError(null);
    setDone(null);
    try {
      const play = await recordPlay(artist, station);
      setDone(`${play.artist_name} on ${play.station}, ${new Date(play.played_at).toLocaleTimeString()}`);
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason));
    } finally {
      setBusy(false);
    }
  };

  return (
    <Card title="Log a play">
      <Failure message={artists.error} retry={artists.reload} />
      <form onSubmit={submit}>
        <label>
          Station
          <input value={station} onChange={(event) => setStation(event.target.value)} required maxLength={80} />
        </label>
        <label>
          Artist
          <select name="artist" required>
            {artists.data?.map(({ slug, name }) => (
              <option key={slug} value={slug}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <button disabled={busy || !artists.data}>Log the play</button>
        {done && <p role="status">{done}</p>}
        <Failure message={error} />
      </form>
    </Card>
  );
}
