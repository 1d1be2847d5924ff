/** The one import that pages make at run time: of the part that belongs to this core, from the Freshwire server. */

import type { PartModule } from "./part.js";

declare const __PART__: string;

/** `failed` is how often it came to nothing: a browser may remember that of an address. */
export const loadPart = (base: string, failed: number): Promise<PartModule> =>
  import(/* @vite-ignore */ /* webpackIgnore: true */ `${base}/v1/client/${__PART__}/act.mjs?${failed}`);
