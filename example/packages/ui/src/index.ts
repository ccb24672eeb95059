/// <reference path="./env.d.ts" />
export { ApiError, apiUrl, getStats, listArtists, listPlays, logIn, logOut, recordPlay } from "./api";
export { Bars, Card, Failure, Figure, LiveCounter, Members, Page } from "./components";
export { useSession } from "./session";
export type { Session } from "./session";
export type { Artist, Counter, Play, Stats } from "./types";
export { useLivePlays } from "./useLivePlays";
export type { LivePlays } from "./useLivePlays";
export { useLoad } from "./useLoad";
