/** Sets which tests vitest runs, and how long a test may take. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["tests/**/*.test.ts"], testTimeout: 120_000 },
});
