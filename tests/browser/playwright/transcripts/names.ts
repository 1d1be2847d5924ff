/** Names in place of what differs from one recording to the next. */

/** By the field that it stands in: a value's first sight gives it this name, and a number from the second on. */
const NAMED: Record<string, string> = {
  session: "$session",
  resume: "$resume",
  node: "$node",
  via: "$node",
  notice: "$notice",
  run: "$run",
  push: "$push",
  pushed: "$push",
};
/** Measured by the page's clock, and of no meaning to anybody else. */
const MEASURED: Record<string, string> = { ago_ms: "$ago_ms" };

export class Names {
  private readonly names = new Map<string, string>();
  private readonly counts = new Map<string, number>();

  /** The same with names. A text's `from`s become `to`s: addresses that differ. */
  replace(value: unknown, addresses: [from: string, to: string][], field = ""): unknown {
    if (Array.isArray(value)) return value.map((each) => this.replace(each, addresses));
    if (value && typeof value == "object") {
      const entries = Object.entries(value);
      return Object.fromEntries(entries.map(([key, each]) => [key, this.replace(each, addresses, key)]));
    }
    if (value == null || typeof value == "boolean") return value;
    if (MEASURED[field]) return MEASURED[field];
    if (NAMED[field]) return this.name(NAMED[field], value as string | number);
    if (typeof value != "string") return value;
    return addresses.reduce((text, [from, to]) => text.replaceAll(from, to), value);
  }

  private name(kind: string, value: string | number): string {
    const key = `${kind} ${value}`;
    const known = this.names.get(key);
    if (known) return known;
    const count = (this.counts.get(kind) ?? 0) + 1;
    this.counts.set(kind, count);
    const name = count == 1 ? kind : `${kind}_${count}`;
    this.names.set(key, name);
    return name;
  }
}
