/** What a page may be in the middle of, although nobody touches it. */

const isHeard = ({ paused, ended, muted, volume, srcObject }: HTMLMediaElement) =>
  !paused && !ended && (!!srcObject || (!muted && volume > 0));

/** Whether something is heard or recorded, in shadow roots and frames of the same origin, too. */
const plays = (root: Document | ShadowRoot): boolean =>
  [...root.querySelectorAll<HTMLMediaElement & HTMLIFrameElement>("*")].some((element) => {
    if (/^(video|audio)$/.test(element.localName)) return isHeard(element);
    try {
      const inner = element.shadowRoot ?? (element.localName == "iframe" && element.contentDocument);
      return !!inner && plays(inner);
    } catch {
      return false;
    }
  });

/** Something plays or fills the screen. Only asked when a page is about to leave. */
export const busy = (): boolean =>
  !!(
    document.fullscreenElement ||
    document.pictureInPictureElement ||
    document.pointerLockElement ||
    (window as { documentPictureInPicture?: { window: Window | null } }).documentPictureInPicture?.window
  ) || plays(document);
