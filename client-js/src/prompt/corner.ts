/** Which corner the card stands in: where it covers least of what can be pressed, and can't be scrolled from under it. */

const CORNERS = ["", "start", "top", "top start"];
const PRESSED =
  "a[href],button,input,select,textarea,summary,iframe,[contenteditable],[role=button],[role=tab],[tabindex]:not([tabindex^='-'])";
/** Points across and down: some 24 and 12 px apart, so that no link is missed. */
const ACROSS = 16;
const DOWN = 16;

/** Whether the user can't scroll it away from the card's height at the top or at the bottom. */
function stays(pressed: Element, top: boolean, height: number): boolean {
  for (let element: Element | null = pressed; element; element = element.parentElement) {
    const { position, overflowY } = getComputedStyle(element);
    if (/fixed|sticky/.test(position)) return true;
    const { scrollTop, scrollHeight, clientHeight } = element;
    const scrolls = element == document.scrollingElement || /auto|scroll/.test(overflowY);
    if (
      scrolls &&
      element != pressed &&
      (top ? scrollTop : scrollHeight - scrollTop - clientHeight) >= height
    )
      return false;
  }
  return true;
}

/** How much would lie under the card, `gap` from the viewport's edges. */
function covered(card: HTMLElement, corner: string, gap: number, ltr: boolean): number {
  const { offsetWidth: width, offsetHeight: height } = card;
  const { clientWidth } = document.documentElement;
  const top = corner.includes("top");
  const left = corner.includes("start") == ltr ? gap : clientWidth - gap - width;
  const y = top ? gap : innerHeight - gap - height;
  // Of several apps' cards those in one corner make room for one another.
  const ours = (element: Element) => element.matches("[data-freshwire]");
  const found = new Set<Element>();
  for (let n = 0; n <= ACROSS; n++) {
    for (let m = 0; m <= DOWN; m++) {
      const at = [left + (width * n) / ACROSS, y + (height * m) / DOWN] as const;
      let under = document.elementsFromPoint?.(...at).find((element) => !ours(element));
      let inner;
      while ((inner = under?.shadowRoot?.elementFromPoint(...at)) && inner != under) under = inner;
      const pressed = under?.closest(PRESSED);
      if (pressed) found.add(pressed);
    }
  }
  return [...found].filter((element) => stays(element, top, height)).length;
}

/** Stays where it is unless another corner is better. */
export function corner(host: HTMLElement, card: HTMLElement, at: string, ltr: boolean): string {
  const gap = parseFloat(getComputedStyle(host).paddingTop);
  let least = covered(card, at, gap, ltr);
  for (const other of CORNERS) {
    if (!least) break;
    const less = covered(card, other, gap, ltr);
    if (less < least) [least, at] = [less, other];
  }
  return at;
}
