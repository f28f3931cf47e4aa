/** Defines what the client needs from a transport. */

export interface LinkHandlers {
  opened(): void;
  received(text: string): void;
  /** Called once, with a WebSocket close code, and never after `Link.close()`. */
  closed(code: number): void;
}

/** One connection. */
export interface Link {
  /** Does nothing when the connection is not open. What is lost is asked for again after the next one opens. */
  send(text: string): void;
  close(): void;
}

export interface Transport {
  open(handlers: LinkHandlers): Link;
}
