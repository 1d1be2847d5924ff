/** The snippet's parts, which a page loads when it has nothing else to do. */

/** In the page: whether the first has come. A page that is left before that may not be cached. */
export const hasActed = () =>
  performance.getEntriesByType("resource").some(({ name }) => name.includes("/act.mjs"));
