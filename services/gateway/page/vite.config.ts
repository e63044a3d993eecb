// How the page is built: into services/gateway/static, nothing from outside, no inline script.
import { defineConfig } from "vite";

export default defineConfig({
  resolve: {
    alias: {
      "react-dom": "preact/compat",
      react: "preact/compat",
    },
  },
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "/api": "http://127.0.0.1:8181", "/health": "http://127.0.0.1:8181" } },
});
