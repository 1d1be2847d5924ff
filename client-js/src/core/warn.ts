/** One console line for each thing that is wrong, naming the cure; never more. */

const said = new Set<string>();

export function warn(what: string, ...more: unknown[]): void {
  if (said.has(what)) return;
  said.add(what);
  console.warn("freshwire: " + what, ...more);
}
