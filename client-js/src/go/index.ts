/** What moves the page, as it is served. */

import type { GoModule } from "../act/seam.js";
import { guard } from "./guard.js";
import { restorePlace, saveAtOnce, saveKeeps } from "./keep.js";
import { ahead } from "./look.js";
import { navigation } from "./navigate.js";
import { busy } from "./quiet.js";
import { refresher } from "./refresh.js";
import { preload, swapSheets } from "./swap.js";

/** Who has gone on to another view isn't taken out of it any more when it took longer to look. */
const AT_ONCE_MS = 1_000;

/** Not for the bundler: few pages have one. */
const WORKER = "./worker.mjs";
const renewWorker = async () => {
  try {
    const { updateWorker } = (await import(/* @vite-ignore */ WORKER)) as typeof import("./worker.js");
    return updateWorker();
  } catch {
    return false;
  }
};

export const start: GoModule["start"] = (host, ladder) => {
  const looks = ahead(host.options);
  const user = navigation(host, {
    toward(address) {
      const target = ladder.target();
      if (target) void looks.take(target.build, address);
    },
    pushed() {
      const target = ladder.target();
      if (!target) return;
      const { href } = location;
      const now = Date.now();
      const acted = user.actedAt();
      const go = () => {
        if (ladder.free()) mover.go(target, { automatic: true, quiet: true, looked: true });
      };
      if (looks.inHand(target.build, href)) return go();
      void looks.take(target.build, href).then((found) => {
        const still = location.href == href && user.actedAt() == acted && Date.now() - now < AT_ONCE_MS;
        if (found && still && ladder.target()?.build == target.build) go();
      });
    },
  });
  const mover = Object.assign(refresher(host, guard(host.store, host.me.build), ladder, renewWorker), {
    prepare({ build, preload: paths }: { build: string; preload?: string[] }) {
      preload(paths);
      void looks.take(build, location.href);
    },
    swap: swapSheets,
    busy,
    save: () => saveKeeps(host),
    destination: user.destination,
  });
  // An old page may leave by anybody's doing: its app's, its worker's or its framework's.
  const save = () => {
    if (ladder.old()) void saveKeeps(host);
  };
  host.on(window, "beforeunload", save);
  host.on(window, "pagehide", () => {
    if (ladder.old()) saveAtOnce(host);
  });
  restorePlace(host);
  return mover;
};
