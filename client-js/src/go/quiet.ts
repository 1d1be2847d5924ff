/** What a page may be in the middle of, although nobody touches it. */

/** Something plays or fills the screen. */
export const busy = (): boolean =>
  !!(document.fullscreenElement || document.pictureInPictureElement) ||
  [...document.querySelectorAll<HTMLMediaElement>("video,audio")].some(
    ({ paused, ended }) => !paused && !ended,
  );

/** The app's own `beforeunload` would ask the user to stay: asked without anybody seeing a dialog. */
export function leavingIsRefused(): boolean {
  const event = document.createEvent("BeforeUnloadEvent");
  event.initEvent("beforeunload", false, true);
  dispatchEvent(event);
  return event.defaultPrevented || !!(event as BeforeUnloadEvent).returnValue;
}
