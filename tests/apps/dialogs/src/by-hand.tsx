import { useEffect, useRef, useState } from "react";
import type { Shown } from "./app";
import { Draft } from "./draft";

/** Brings the focus back whenever it leaves, and closes by anything outside. */
export function Trap({ close }: Shown) {
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const inside = (event: Event) => panel.current!.contains(event.target as Node);
    const back = (event: Event) => inside(event) || panel.current!.querySelector("textarea")!.focus();
    const away = (event: Event) => inside(event) || close();
    document.addEventListener("focusin", back);
    document.addEventListener("pointerdown", away, true);
    return () => {
      document.removeEventListener("focusin", back);
      document.removeEventListener("pointerdown", away, true);
    };
  }, [close]);
  return (
    <div id="dialog" role="dialog" aria-modal="true" aria-label="By hand" ref={panel}>
      <Draft />
    </div>
  );
}

/** Takes out whatever isn't its own, every time that it is drawn. */
export function Redrawn() {
  const panel = useRef<HTMLDivElement>(null);
  const [times, setTimes] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTimes((times) => times + 1), 500);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    for (const child of [...panel.current!.children]) if (!child.matches("p")) child.remove();
  }, [times]);
  return (
    <div id="dialog" role="dialog" aria-modal="true" aria-label="Redrawn" ref={panel}>
      <Draft />
    </div>
  );
}
