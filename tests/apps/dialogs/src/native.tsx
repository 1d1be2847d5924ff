import { useEffect, useRef } from "react";
import type { Shown } from "./app";
import { Draft } from "./draft";

export function Native({ close }: Shown) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current!.showModal(), []);
  // Closed by a press beside it.
  const pressed = (event: React.MouseEvent) => event.target == dialog.current && close();
  return (
    <dialog id="dialog" ref={dialog} onClose={close} onClick={pressed}>
      <Draft />
    </dialog>
  );
}

export function NativePopover({ close }: Shown) {
  const popover = useRef<HTMLDivElement>(null);
  useEffect(() => popover.current!.showPopover(), []);
  return (
    <div id="dialog" popover="auto" ref={popover} onToggle={(event) => event.newState == "closed" && close()}>
      <Draft />
    </div>
  );
}
