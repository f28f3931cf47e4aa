/** Carries frames over a WebSocket. */
import type { Link, LinkHandlers, Transport } from "./transport";

/** Return a transport to a WebSocket address. A path is taken on the page's own host. */
export function webSocketTransport(url: string): Transport {
  return { open: (handlers) => openSocket(absoluteUrl(url), handlers) };
}

function absoluteUrl(url: string): string {
  const absolute = new URL(url, location.href);
  absolute.protocol = absolute.protocol.replace(/^http/, "ws");
  return absolute.href;
}

function openSocket(url: string, handlers: LinkHandlers): Link {
  const socket = new WebSocket(url);
  const listeners = new AbortController();
  const { signal } = listeners;
  socket.addEventListener("open", () => handlers.opened(), { signal });
  socket.addEventListener("message", (event: MessageEvent<unknown>) => handlers.received(String(event.data)), {
    signal,
  });
  // "error" needs no listener: the browser sends "close" after it.
  socket.addEventListener("close", (event) => handlers.closed(event.code), { signal });
  return {
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close() {
      listeners.abort();
      socket.close(1000);
    },
  };
}
