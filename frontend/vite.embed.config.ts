// Builds the calendar for pages of other Django sites: one script and one style sheet beside the page's own.
import { defineConfig } from "vite";

export default defineConfig({
  publicDir: false,
  build: {
    outDir: "../calendar_live/static/calendar_live/dist",
    emptyOutDir: false,
    target: "es2022",
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: { embed: "src/embed/index.ts" },
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "embed-[name].js",
        assetFileNames: (asset) =>
          asset.names.some((name) => name.endsWith(".css")) ? "embed.css" : "[name][extname]",
      },
    },
  },
});
