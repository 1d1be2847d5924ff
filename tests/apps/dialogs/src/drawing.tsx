import { useEffect, useState } from "react";
import { Draft } from "./draft";

/** Its keys are the document's, wherever the focus is but in a field. */
export function Drawing() {
  const [selected, setSelected] = useState(true);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLTextAreaElement) return;
      if (/Delete|Backspace|Escape/.test(event.key)) setSelected(false);
    };
    document.addEventListener("keydown", key);
    return () => document.removeEventListener("keydown", key);
  }, []);
  return (
    <div>
      {selected && (
        <div id="dialog">
          A selected shape, and what is written on it: <Draft />
        </div>
      )}
    </div>
  );
}
