/** What moves the page, as it is served. */

import type { GoModule } from "../act/seam.js";
import { guard } from "./guard.js";
import { restorePlace } from "./keep.js";
import { ahead } from "./look.js";
import { navigation } from "./navigate.js";
import { busy, leavingIsRefused } from "./quiet.js";
import { refresher } from "./refresh.js";
import { preload, swapSheets } from "./swap.js";

export const start: GoModule["start"] = (host, ladder) => {
  const looks = ahead(host.options.app);
  const user = navigation(
    host,
    () => {
      const target = ladder.target();
      if (target) void looks.take(target.build);
    },
    () => {
      const target = ladder.target();
      if (target && looks.inHand(target.build) && ladder.free()) {
        mover.go(target, { automatic: true, quiet: true, looked: true });
      }
    },
  );
  const mover = Object.assign(refresher(host, guard(host.store, host.me.build), ladder, user.destination), {
    prepare({ build, preload: paths }: { build: string; preload?: string[] }) {
      preload(paths);
      void looks.take(build);
    },
    swap: swapSheets,
    busy,
    refused: leavingIsRefused,
  });
  restorePlace(host);
  return mover;
};
