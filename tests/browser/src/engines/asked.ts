/** Which engines are asked for: ENGINES names some of them, ALL_ENGINES=1 tries all behaviours in each. */

import { ENGINES } from "./engine.js";

const names = (process.env.ENGINES || ENGINES.join()).split(",").map((name) => name.trim());
const strange = names.find((name) => !ENGINES.some((engine) => engine == name));
if (strange != undefined) throw new Error(`ENGINES names ${strange}; there are ${ENGINES.join(", ")}`);

export const asked = ENGINES.filter((name) => names.includes(name));

export const allInAll = !["", "0"].includes(process.env.ALL_ENGINES ?? "");
