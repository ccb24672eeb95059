import { Bars, Card, Failure, listArtists, LiveCounter, Page, useLivePlays, useLoad } from "@zamio/ui";
import { useState } from "react";

export function App() {
  const live = useLivePlays();
  const artists = useLoad(listArtists, live.total);
  const [search, setSearch] = useState("");

  const wanted = search.trim().toLowerCase();
  const found = (artists.data ?? []).filter(({ name }) => name.toLowerCase().includes(wanted));

  return (
    <Page title="Artists">
      <Card title="On air">
        <LiveCounter {...live} />
      </Card>
      <Card title="Most played">
        <label>
          Find an artist
          <input type="search" value={search} onChange={(event) => setSearch(event.target.value)} />
        </label>
        <Failure message={artists.error} retry={artists.reload} />
        {artists.data && (
          <Bars rows={found.map(({ name, publisher, plays }) => ({ name, detail: publisher, value: plays }))} />
        )}
      </Card>
    </Page>
  );
}
