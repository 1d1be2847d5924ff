import { connect, get, type Freshwire, type Status } from "freshwire";
import { prompt, type View } from "freshwire/prompt";
import { useFreshwire } from "freshwire/react";
import { stores, type Readable } from "freshwire/store";
import vite, { freshwire, type ReleaseFile } from "freshwire/vite";

const fresh: Freshwire = connect({ app: "web", url: false, prompt });
export const updated: Readable<boolean> = stores(fresh).updated;
export const standing: Status["standing"] | undefined = get("web")?.status.standing;
export const hook: boolean = useFreshwire({ app: "web" }).updated;
export const plugins = [freshwire({ app: "web", url: "/" }), vite({ app: "web", url: "/" })];
export const titled = (view: View): View => ({ ...view, title: "A fresh pot is ready" });
export const build = (file: ReleaseFile): string => file.build;
// @ts-expect-error: an app is needed
connect({ url: false });
// @ts-expect-error: it is a boolean
export const wrong: string = updated.value;
