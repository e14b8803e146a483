/** The recipe of docs/recipes.md. Payloads in files of their own trip over today's unstorage when a build is static. */
export default defineNuxtConfig({
  telemetry: false,
  experimental: { payloadExtraction: false },
  app: { head: { script: [{ src: "/js/site.js", async: true }] } },
});
