// Builds the farm of clients (farm/) for Node; its driver, tests/farm.py, says where to.
import { builtinModules } from "node:module";
import { defineConfig } from "vite";

export default defineConfig({
  publicDir: false,
  build: {
    ssr: "farm/main.ts",
    target: "node20",
    emptyOutDir: true,
    rolldownOptions: { external: [...builtinModules], output: { entryFileNames: "farm.mjs" } },
  },
});
