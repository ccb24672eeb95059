import { Bars, Card, Failure, Figure, getStats, listArtists, Page, useLivePlays, useLoad } from "@zamio/ui";
import { useState } from "react";

export function App() {
  const { total } = useLivePlays();
  const stats = useLoad(getStats, total);
  const artists = useLoad(listArtists, total);
  const [chosen, setChosen] = useState("");

  const publishers = stats.data?.publishers ?? [];
  const publisher = publishers.find((row) => row.publisher === chosen) ?? publishers[0];
  const catalogue = (artists.data ?? []).filter((artist) => artist.publisher === publisher?.publisher);
  const share = publisher && stats.data?.plays ? (100 * publisher.plays) / stats.data.plays : 0;

  return (
    <Page title="Publishers">
      <Card title="Totals">
        <Failure message={stats.error} retry={stats.reload} />
        {stats.data && <Bars rows={publishers.map(({ publisher: name, plays }) => ({ name, value: plays }))} />}
      </Card>
      {publisher && (
        <Card title="Catalogue">
          <label>
            Publisher
            <select value={publisher.publisher} onChange={(event) => setChosen(event.target.value)}>
              {publishers.map((row) => (
                <option key={row.publisher}>{row.publisher}</option>
              ))}
            </select>
          </label>
          <Figure label="Share of all plays" value={`${share.toFixed(1)} %`} note={`${publisher.artists} artists`} />
          <Failure message={artists.error} retry={artists.reload} />
          <Bars rows={catalogue.map(({ name, plays }) => ({ name, value: plays }))} />
        </Card>
      )}
    </Page>
  );
}
