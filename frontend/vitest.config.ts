/** Which tests vitest runs, and how long one may take. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["tests/**/*.test.ts"], testTimeout: 120_000 },
});
