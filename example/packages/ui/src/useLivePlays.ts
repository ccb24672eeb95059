import { useEffect, useState } from "react";
import { apiUrl } from "./api";
import type { Counter } from "./types";

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;

export interface LivePlays {
  total: number | null;
  connected: boolean;
}

/** The live number of plays; reconnects by itself, waiting longer each time, with jitter after a deploy. */
export function useLivePlays(): LivePlays {
  const [state, setState] = useState<LivePlays>({ total: null, connected: false });

  useEffect(() => {
    let socket: WebSocket | undefined;
    let timer: number | undefined;
    let wait = FIRST_RETRY_MS;
    let closed = false;

    const connect = () => {
      socket = new WebSocket(apiUrl.replace(/^http/, "ws") + "/ws/plays/");
      socket.onmessage = ({ data }) => {
        const counter = JSON.parse(data) as Counter;
        wait = FIRST_RETRY_MS;
        setState({ total: counter.total, connected: true });
      };
      socket.onclose = () => {
        if (closed) return;
        setState((last) => ({ ...last, connected: false }));
        timer = window.setTimeout(connect, wait * (0.5 + Math.random() / 2));
        wait = Math.min(wait * 2, LAST_RETRY_MS);
      };
    };

    connect();
    return () => {
      closed = true;
      window.clearTimeout(timer);
      socket?.close();
    };
  }, []);

  return state;
}
