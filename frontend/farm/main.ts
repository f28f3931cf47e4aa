/** Starts the farm: reads commands as JSON lines on stdin, and writes answers and events to stdout. */
import { createInterface } from "node:readline";
import { Farm } from "./farm";

const farm = new Farm(tell);

function tell(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

process.on("uncaughtException", (error) =>
  tell({ event: "violation", rule: "no error is uncaught", detail: String(error.stack) }),
);
process.on("unhandledRejection", (error) =>
  tell({
    event: "violation",
    rule: "no error is uncaught",
    detail: error instanceof Error ? String(error.stack) : String(error),
  }),
);

async function obey(line: string): Promise<void> {
  const { id, command, ...given } = JSON.parse(line) as { id: number; command: string };
  try {
    tell({ reply: id, value: (await farm.obey(command, given)) ?? null });
  } catch (error) {
    tell({ reply: id, error: error instanceof Error ? String(error.stack) : String(error) });
  }
}

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => void obey(line));
lines.on("close", () => process.exit(0));
tell({ event: "ready" });
