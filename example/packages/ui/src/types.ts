export interface Artist {
  slug: string;
  name: string;
  publisher: string;
  plays: number;
}

export interface Play {
  id: number;
  artist: string;
  artist_name: string;
  station: string;
  played_at: string;
}

export interface Stats {
  artists: number;
  plays: number;
  counted: { total: number; counted_at: string | null };
  publishers: { publisher: string; artists: number; plays: number }[];
  stations: { station: string; plays: number }[];
}

export interface Counter {
  total: number;
  counted_at: string;
}
