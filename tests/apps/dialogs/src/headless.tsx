import { Dialog, DialogPanel, DialogTitle } from "@headlessui/react";
import type { Shown } from "./app";
import { Draft } from "./draft";

export function Headless({ close }: Shown) {
  return (
    <Dialog open onClose={close} id="dialog">
      <DialogPanel style={{ position: "fixed", top: "20%", left: "20%", background: "#fff" }}>
        <DialogTitle>A dialog</DialogTitle>
        <Draft />
      </DialogPanel>
    </Dialog>
  );
}
