import { Bars, Card, Failure, Figure, getStats, listPlays, Members, Page, useLivePlays, useLoad } from "@zamio/ui";

export function App() {
  return (
    <Page title="Administration">
      <Members>
        <Dashboard />
      </Members>
    </Page>
  );
}

function Dashboard() {
  const { total } = useLivePlays();
  return (
    <>
      <Overview total={total} />
      <LatestPlays total={total} />
    </>
  );
}

function Overview({ total }: { total: number | null }) {
  const { data, error, reload } = useLoad(getStats, total);
  return (
    <Card title="Overview">
      <Failure message={error} retry={reload} />
      {data && (
        <>
          <Figure label="Artists" value={data.artists} />
          <Figure label="Plays" value={data.plays} note={counted(data.counted)} />
          <h2>Stations</h2>
          <Bars rows={data.stations.map(({ station, plays }) => ({ name: station, value: plays }))} />
        </>
      )}
    </Card>
  );
}

function counted({ total, counted_at }: { total: number; counted_at: string | null }): string {
  return counted_at ? `${total} counted at ${new Date(counted_at).toLocaleTimeString()}` : "not counted yet";
}

function LatestPlays({ total }: { total: number | null }) {
  const { data, error, reload } = useLoad(listPlays, total);
  return (
    <Card title="Latest plays">
      <Failure message={error} retry={reload} />
      <table>
        <thead>
          <tr>
            <th>When</th>
            <th>Artist</th>
            <th>Station</th>
          </tr>
        </thead>
        <tbody>
          {data?.map((play) => (
            <tr key={play.id}>
              <td>{new Date(play.played_at).toLocaleString()}</td>
              <td>{play.artist_name}</td>
              <td>{play.station}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}
