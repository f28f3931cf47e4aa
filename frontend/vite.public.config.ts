// Builds the page behind a public link: one script and one style sheet, beside those of the calendar page.
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
      input: { public: "src/public/index.ts" },
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "public-[name].js",
        assetFileNames: (asset) =>
          asset.names.some((name) => name.endsWith(".css")) ? "public.css" : "[name][extname]",
      },
    },
  },
});
