import { useEffect, useState } from "react";
import { Drawing } from "./drawing";
import { Headless } from "./headless";
import { Away, Mui } from "./mui";
import { Native, NativePopover } from "./native";
import { RadixDialog, RadixMenu, RadixPopover } from "./radix";
import { Redrawn, Trap } from "./by-hand";

export interface Shown {
  /** To be called when the user closes it. What was typed is then lost. */
  close: () => void;
}

const KINDS: Record<string, (shown: Shown) => React.ReactNode> = {
  "radix-dialog": RadixDialog,
  "radix-popover": RadixPopover,
  "radix-menu": RadixMenu,
  "mui-dialog": Mui,
  "mui-click-away": Away,
  "headless-dialog": Headless,
  "native-dialog": Native,
  "native-popover": NativePopover,
  "focus-trap": Trap,
  redrawn: Redrawn,
  drawing: Drawing,
};

/** Shows what the page is asked for by an event: nothing else opens a dialog without a press. */
export function App() {
  const [kind, setKind] = useState("");
  useEffect(() => {
    const open = (event: Event) => setKind((event as CustomEvent<string>).detail);
    addEventListener("open-dialog", open);
    return () => removeEventListener("open-dialog", open);
  }, []);
  const Kind = KINDS[kind];
  return Kind ? <Kind close={() => setKind("")} /> : null;
}
