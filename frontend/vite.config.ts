/** Builds each bundle in its own mode, such as `vite build --mode page`. A bundle loads nothing from other sites. */
import { builtinModules } from "node:module";
import { type BuildEnvironmentOptions, defineConfig } from "vite";

/** Return the options for one script and one style sheet with stable names, beside those of the other pages. */
function pageBundle(name: string, { isFirst = false } = {}): BuildEnvironmentOptions {
  return {
    outDir: "../calendar_live/static/calendar_live/dist",
    emptyOutDir: isFirst,
    target: "es2022",
    cssCodeSplit: false,
    // A data: URL needs `img-src data:` or `font-src data:`, which the policy of a host site need not allow.
    assetsInlineLimit: 0,
    modulePreload: false,
    // The one script that a page needs at once contains FullCalendar and Temporal.
    chunkSizeWarningLimit: 600,
    rolldownOptions: {
      input: { [name]: `src/${name}/index.ts` },
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: `${name}-[name].js`,
        assetFileNames: (asset) =>
          asset.names.some((one) => one.endsWith(".css")) ? `${name}.css` : "[name][extname]",
      },
    },
  };
}

const BUNDLES: Readonly<Record<string, BuildEnvironmentOptions>> = {
  /** The calendar page. */
  page: pageBundle("page", { isFirst: true }),
  /** The pages around it: signing in, an invitation. */
  card: pageBundle("card"),
  /** The calendar on pages of other Django sites. */
  embed: {
    ...pageBundle("embed"),
    // The first browsers with light-dark(). For older ones, Vite would replace it by the visitor's scheme, but this
    // calendar follows the scheme of the page that it is on.
    cssTarget: ["chrome123", "edge123", "firefox120", "safari17.5"],
  },
  /** The page behind a public link. */
  public: pageBundle("public"),
  /** The plug-in for other sites, which uses the host page's own copy of FullCalendar. */
  library: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    sourcemap: true,
    lib: { entry: "src/fullcalendar/index.ts", formats: ["es"], fileName: () => "live-calendar.js" },
    rolldownOptions: { external: [/^fullcalendar(\/|$)/, "temporal-polyfill"] },
  },
  /** The farm of clients, for Node. Its driver, testbed/farm.py, says where the bundle is written. */
  farm: {
    ssr: "farm/main.ts",
    target: "node20",
    emptyOutDir: true,
    rolldownOptions: { external: [...builtinModules], output: { entryFileNames: "farm.mjs" } },
  },
};

export default defineConfig(({ mode }) => {
  const build = BUNDLES[mode];
  if (build === undefined) throw new Error(`--mode is one of ${Object.keys(BUNDLES).join(", ")}.`);
  return { publicDir: false, build };
});
