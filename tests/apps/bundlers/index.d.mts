/** Unpacks the package, as npm packs it, into `folder`. */
export function unpackPackage(folder: string): Promise<void>;

/** Has one of the tools (see tools.mjs) make the app there, and gives what it wrote, by path. Complaints are thrown. */
export function runTool(tool: string, folder: string, build: string): Promise<Record<string, string>>;
