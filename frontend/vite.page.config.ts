// Builds the calendar page: one script and one style sheet with stable names, all of it served by the site itself.
import { defineConfig } from "vite";

export default defineConfig({
  publicDir: false,
  build: {
    outDir: "../calendar_live/static/calendar_live/dist",
    emptyOutDir: true,
    target: "es2022",
    cssCodeSplit: false,
    // A data: URL needs img-src or font-src data:, which the strict policy does not give.
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: { page: "src/page/index.ts" },
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "[name].js",
        assetFileNames: (asset) => (asset.names.some((name) => name.endsWith(".css")) ? "page.css" : "[name][extname]"),
      },
    },
  },
});
