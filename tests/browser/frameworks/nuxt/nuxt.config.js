/** The recipe of docs/recipes.md. */
export default defineNuxtConfig({
  telemetry: false,
  app: { head: { script: [{ src: "/js/site.js", async: true }] } },
});
