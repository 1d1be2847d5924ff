/** The app's own `beforeunload`, which may ask the user to stay. Nothing of it runs before a page is ready to leave. */

/** Whether it would ask: it is run without anybody seeing a dialog. */
export function leavingIsRefused(): boolean {
  try {
    const event = document.createEvent("BeforeUnloadEvent");
    event.initEvent("beforeunload", false, true);
    dispatchEvent(event);
    return event.defaultPrevented || !!(event as BeforeUnloadEvent).returnValue;
  } catch {
    return false;
  }
}

/** It has been run, and what it tidies up is tidied up: it isn't run again by the load that follows. */
export function leaveWithoutAsking(): void {
  addEventListener("beforeunload", (event) => event.stopImmediatePropagation(), {
    capture: true,
    once: true,
  });
}
