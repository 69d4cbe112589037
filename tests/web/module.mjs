// tickws.js for Node. A browser takes any script as a module; Node goes by the file's name, so it gets a copy.

import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = mkdtempSync(join(tmpdir(), "tickws-"));
const copy = join(folder, "tickws.mjs");
copyFileSync(new URL("../../tickws/web/tickws.js", import.meta.url), copy);
export const tickws = await import(pathToFileURL(copy)).finally(() => rmSync(folder, { recursive: true }));
