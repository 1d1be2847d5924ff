import ClickAwayListener from "@mui/material/ClickAwayListener";
import Dialog from "@mui/material/Dialog";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import type { Shown } from "./app";
import { Draft } from "./draft";

export function Mui({ close }: Shown) {
  return (
    <Dialog open onClose={close} slotProps={{ paper: { id: "dialog" } }}>
      <DialogTitle>A dialog</DialogTitle>
      <DialogContent>
        <Draft />
      </DialogContent>
    </Dialog>
  );
}

export function Away({ close }: Shown) {
  return (
    <ClickAwayListener onClickAway={close}>
      <div id="dialog">
        <Draft />
      </div>
    </ClickAwayListener>
  );
}
