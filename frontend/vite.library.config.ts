// Builds the plug-in for other sites: one ES module; FullCalendar stays the host page's own copy.
import { defineConfig } from "vite";

export default defineConfig({
  publicDir: false,
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    sourcemap: true,
    lib: { entry: "src/fullcalendar/index.ts", formats: ["es"], fileName: () => "live-calendar.js" },
    rolldownOptions: { external: [/^fullcalendar(\/|$)/, "temporal-polyfill"] },
  },
});
