// What the browser loads before the page answers: the entry and all that index.html preloads with it.
import { readFileSync } from "node:fs";

const html = readFileSync(new URL("dist/index.html", import.meta.url), "utf8");
export default [
  {
    name: "first load, JavaScript",
    path: Array.from(html.matchAll(/assets\/[^"]+\.js/gu), ([file]) => `dist/${file}`),
    limit: "100 kB",
    gzip: true,
  },
];
