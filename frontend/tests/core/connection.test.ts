/** Tests the connection's decisions: when requests take the place of a WebSocket, and when a WebSocket returns. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ConnectionEffect,
  type ConnectionInput,
  type ConnectionState,
  type ConnectionTimer,
  isStopped,
  NOT_CONNECTED,
  reduceConnection,
  statusOf,
} from "../../src/core/connection";

/** Runs the effects as the client does, but on paper: it notes which connection there is, and which timers run. */
class Paper {
  state: ConnectionState = NOT_CONNECTED;
  link: "socket" | "requests" | null = null;
  probe = false;
  opened = 0;
  lost = 0;
  connects: string[] = [];
  readonly timers = new Map<ConnectionTimer, number>();
  now = 0;
  hidden = false;

  constructor(private readonly random = 0.5) {}

  take(input: ConnectionInput): void {
    const step = reduceConnection(this.state, input, {
      now: this.now,
      random: this.random,
      hidden: this.hidden,
    });
    this.state = step.state;
    for (const effect of step.effects) this.run(effect);
  }

  private run(effect: ConnectionEffect): void {
    if (effect.type === "connect") {
      this.link = effect.over;
      this.connects.push(effect.over);
      this.probe = false;
    } else if (effect.type === "disconnect") {
      this.link = null;
      this.probe = false;
    } else if (effect.type === "probe") this.probe = true;
    else if (effect.type === "endProbe") this.probe = false;
    else if (effect.type === "adoptProbe") {
      this.link = "socket";
      this.probe = false;
    } else if (effect.type === "startTimer") this.timers.set(effect.name, this.now + effect.ms);
    else if (effect.type === "stopTimer") this.timers.delete(effect.name);
    else if (effect.type === "opened") this.opened += 1;
    else if (effect.type === "lost") this.lost += 1;
  }

  /** End the connection, as the network would. */
  cut(code = 1006): void {
    this.link = null;
    this.take({ type: "closed", code });
  }

  /** Let the next timer fire. */
  tick(): void {
    const next = [...this.timers].sort(([, a], [, b]) => a - b)[0];
    if (next === undefined || this.now > 86_400_000) throw new Error("nothing will ever happen");
    this.timers.delete(next[0]);
    this.now = Math.max(this.now, next[1]);
    this.take({ type: "timer", name: next[0] });
  }

  /** Let two sockets be refused, and requests serve instead. */
  onRequests(): this {
    this.take({ type: "start" });
    this.cut();
    this.tick();
    this.cut();
    this.tick();
    this.take({ type: "hello" });
    return this;
  }
}

describe("a network that refuses WebSockets", () => {
  test("client_asks_by_requests_at_once_when_two_sockets_ended_without_a_hello", () => {
    const paper = new Paper();
    paper.take({ type: "start" });
    paper.cut();
    paper.tick();
    paper.cut();
    expect(paper.timers.get("reconnect")).toBe(paper.now);
    paper.tick();
    expect(paper.connects).toEqual(["socket", "socket", "requests"]);
    paper.take({ type: "hello" });
    expect(paper.state).toMatchObject({ status: "live", phase: "open" });
  });

  test("client_asks_by_requests_when_two_sockets_never_say_hello", () => {
    const paper = new Paper();
    paper.take({ type: "start" });
    while (paper.now < 15_000 && paper.link !== "requests") paper.tick();
    expect(paper.link).toBe("requests");
    expect(paper.now).toBeLessThanOrEqual(10_500);
  });

  test("client_asks_by_requests_when_four_sockets_did_not_last", () => {
    const paper = new Paper();
    paper.take({ type: "start" });
    for (let times = 0; times < 4; times += 1) {
      expect(paper.link).toBe("socket");
      paper.take({ type: "hello" });
      paper.cut();
      paper.tick();
    }
    expect(paper.link).toBe("requests");
  });

  test("client_forgets_the_trouble_when_a_socket_lasts", () => {
    const paper = new Paper();
    paper.take({ type: "start" });
    for (let times = 0; times < 9; times += 1) {
      paper.take({ type: "hello" });
      paper.now += 60_000;
      paper.cut();
      while (paper.link === null) paper.tick();
    }
    expect(new Set(paper.connects)).toEqual(new Set(["socket"]));
  });

  test("client_tries_both_in_turn_when_the_server_is_away_and_each_within_five_seconds", () => {
    const paper = new Paper(0.999).onRequests();
    const pauses: number[] = [];
    for (let times = 0; times < 20; times += 1) {
      paper.cut();
      const at = paper.now;
      while (paper.link === null) paper.tick();
      pauses.push(paper.now - at);
    }
    expect(paper.connects.slice(3, 7)).toEqual(["socket", "requests", "socket", "requests"]);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(5_000);
    expect(pauses.reduce((sum, pause) => sum + pause) / pauses.length).toBeGreaterThan(2_000);
  });

  test("client_keeps_to_requests_that_have_served_when_one_is_lost", () => {
    const paper = new Paper().onRequests();
    paper.now += 20_000;
    paper.cut();
    while (paper.link === null) paper.tick();
    expect(paper.link).toBe("requests");
  });
});

describe("a client on requests", () => {
  test("client_tries_a_socket_beside_them_ever_more_seldom_and_stays_live_meanwhile", () => {
    const paper = new Paper(0.999).onRequests();
    const pauses: number[] = [];
    for (let times = 0; times < 8; times += 1) {
      const before = paper.now;
      while (!paper.probe) {
        paper.take({ type: "heard" });
        paper.tick();
      }
      pauses.push(paper.now - before);
      paper.take({ type: "probeFailed" });
      expect(paper.state).toMatchObject({ status: "live", phase: "open", over: "requests" });
    }
    expect(pauses[0]).toBeLessThan(4_000);
    expect(Math.max(...pauses)).toBeLessThan(60_000);
    expect(pauses.at(-1)).toBeGreaterThan(50_000);
    expect(paper.opened).toBe(1);
  });

  test("client_changes_over_when_the_socket_says_hello", () => {
    const paper = new Paper().onRequests();
    const lost = paper.lost;
    while (!paper.probe) paper.tick();
    paper.take({ type: "probeAnswered" });
    paper.take({ type: "hello" });
    expect(paper.link).toBe("socket");
    expect([paper.opened, paper.lost - lost]).toEqual([2, 1]);
    expect(paper.timers.has("probe")).toBe(false);
  });

  test("client_returns_to_requests_at_once_when_that_socket_does_not_last", () => {
    const paper = new Paper().onRequests();
    while (!paper.probe) paper.tick();
    paper.take({ type: "probeAnswered" });
    paper.take({ type: "hello" });
    paper.cut();
    paper.tick();
    expect(paper.link).toBe("requests");
  });

  test("client_tries_a_socket_when_the_page_wakes_up", () => {
    const paper = new Paper().onRequests();
    paper.take({ type: "doubt" });
    expect(paper.probe).toBe(true);
  });

  test("client_gives_up_a_socket_that_says_nothing", () => {
    const paper = new Paper().onRequests();
    while (!paper.probe) paper.tick();
    const at = paper.now;
    while (paper.probe) paper.tick();
    expect(paper.now - at).toBeLessThanOrEqual(5_000);
    expect(paper.link).toBe("requests");
  });
});

describe("a page that nobody sees", () => {
  test("client_keeps_no_request_waiting_and_asks_at_once_when_the_page_is_seen_again", () => {
    const paper = new Paper().onRequests();
    paper.hidden = true;
    paper.take({ type: "hide" });
    expect([paper.link, paper.state.status, paper.timers.size]).toEqual([null, "paused", 0]);
    paper.hidden = false;
    paper.take({ type: "doubt" });
    expect([paper.link, paper.state.status]).toEqual(["requests", "connecting"]);
  });

  test("client_does_not_turn_to_requests_until_the_page_is_seen", () => {
    const paper = new Paper();
    paper.hidden = true;
    paper.take({ type: "start" });
    paper.cut();
    paper.tick();
    paper.cut();
    expect([paper.state.status, paper.timers.size]).toEqual(["paused", 0]);
    paper.hidden = false;
    paper.take({ type: "doubt" });
    expect(paper.link).toBe("requests");
  });

  test("client_keeps_its_socket", () => {
    const paper = new Paper();
    paper.take({ type: "start" });
    paper.take({ type: "hello" });
    paper.hidden = true;
    paper.take({ type: "hide" });
    expect([paper.link, paper.state.status]).toEqual(["socket", "live"]);
  });
});

test("client_on_requests_is_not_sent_to_another_process_for_the_next_request_goes_there", () => {
  const paper = new Paper().onRequests();
  paper.take({ type: "reconnect", spreadMs: 1_000 });
  expect(paper.timers.has("leave")).toBe(false);
});

test("client_tries_a_socket_ever_more_seldom_when_those_that_open_do_not_last", () => {
  const paper = new Paper(0.999).onRequests();
  const pauses: number[] = [];
  for (let times = 0; times < 6; times += 1) {
    const before = paper.now;
    while (!paper.probe) {
      paper.take({ type: "heard" });
      paper.tick();
    }
    pauses.push(paper.now - before);
    paper.take({ type: "probeAnswered" });
    paper.take({ type: "hello" });
    paper.cut();
    paper.tick();
    paper.take({ type: "hello" });
    expect(paper.state).toMatchObject({ status: "live", over: "requests" });
  }
  expect(pauses.at(-1)).toBeGreaterThan(50_000);
});

const INPUT: fc.Arbitrary<ConnectionInput | "tick" | "cover" | "uncover"> = fc.oneof(
  fc
    .constantFrom<ConnectionInput["type"]>(
      "start",
      "hello",
      "heard",
      "pong",
      "probeAnswered",
      "probeFailed",
      "doubt",
      "pause",
      "resume",
    )
    .map((type) => ({ type }) as ConnectionInput),
  fc.constantFrom(1006, 4001, 4008, 4012, 4401).map((code) => ({ type: "closed", code }) as const),
  fc.constant({ type: "reconnect", spreadMs: 1_000 } as const),
  fc.constant({ type: "signedOut" } as const),
  fc.constantFrom("tick", "cover", "uncover"),
);

test("client_is_never_stuck_and_never_has_two_connections_whatever_happens", () => {
  fc.assert(
    fc.property(
      fc.array(INPUT, { maxLength: 60 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (inputs, random) => {
        const paper = new Paper(random);
        paper.take({ type: "start" });
        let away = false;
        for (const input of inputs) {
          if (typeof input !== "string" && input.type === "pause") away = true;
          if (input === "uncover" || (typeof input !== "string" && ["doubt", "resume", "start"].includes(input.type)))
            away = false;
          const wasOut = statusOf(paper.state) === "signed-out";
          if (input === "tick" && paper.timers.size === 0) continue;
          else if (input === "tick") paper.tick();
          else if (input === "cover" || input === "uncover") {
            paper.hidden = input === "cover";
            paper.take({ type: paper.hidden ? "hide" : "doubt" });
          } else if (paper.hidden && input.type === "doubt") continue;
          else if (input.type === "closed" && paper.link !== null) paper.cut(input.code);
          else if (input.type === "hello" && (paper.link === null || paper.state.phase !== "opening")) continue;
          else if (input.type !== "closed") paper.take(input);
          const { state } = paper;
          // Seen failing when the page is told of the tries in the meantime.
          if (wasOut && state.phase !== "open") expect(statusOf(state)).toBe("signed-out");
          expect(paper.probe).toBe(state.probing);
          expect(paper.link !== null).toBe(state.phase !== "down");
          if (paper.probe) expect([paper.link, state.phase]).toEqual(["requests", "open"]);
          if (state.phase === "open" && state.over === "requests") expect(paper.timers.has("probe")).toBe(true);
          if (paper.hidden) expect(paper.link).not.toBe("requests");
          else if (state.status === "paused") expect(away).toBe(true);
          if (state.phase === "open") expect(paper.timers.has("silence")).toBe(true);
          if (state.phase === "opening") expect(paper.timers.has("connect")).toBe(true);
          if (state.phase === "down" && state.status !== "paused" && !isStopped(state)) {
            expect(paper.timers.has("reconnect")).toBe(true);
          }
        }
      },
    ),
  );
});
