// What every tool must make a bundle of: the package, and each path of it that is for pages.

import { connect } from "freshwire";
import { prompt } from "freshwire/prompt";
import { useFreshwire, useHold } from "freshwire/react";
import { stores } from "freshwire/store";

const { app, server } = document.documentElement.dataset;
const fresh = connect({ app, url: server, prompt });
document.body.dataset.hooks = [typeof useFreshwire, typeof useHold].join();
stores(fresh).status.subscribe(({ connection, standing }) => {
  Object.assign(document.body.dataset, { connection, standing });
});
