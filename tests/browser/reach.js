// What keeps a finger or a focus from an element of the page; read by tests/browser/reach.py.

const FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
const INSET = 3; // px: corners are round
const FINGER = 44; // px

const isShown = (element) =>
  !element.disabled && element.tabIndex >= 0 && element.checkVisibility({ visibilityProperty: true });

const listShown = () => [...document.querySelectorAll(FOCUSABLE)].filter(isShown);

const nameOf = (element) => {
  const words = element.getAttribute("aria-label") || element.innerText || element.name || element.id;
  return `${element.localName} “${words.trim().slice(0, 40)}”`;
};

/* Middle and corners of what lies in the window of each line of the element. Paddings of lines of text may overlap. */
const listPoints = (element) => {
  const shown = getComputedStyle(element);
  const inset = INSET + (shown.display === "inline" ? parseFloat(shown.paddingTop) : 0);
  return [...element.getClientRects()].flatMap((box) => {
    const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)];
    const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
    if (left >= right || top >= bottom) return [];
    const [x, y] = [Math.min(INSET, (right - left) / 3), Math.min(inset, (bottom - top) / 3)];
    const corners = [left + x, right - x].flatMap((place) => [[place, top + y], [place, bottom - y]]);
    return [[(left + right) / 2, (top + bottom) / 2], ...corners];
  });
};

/* A link's area may be stretched over its card by ::after, which is transparent: what is below it is still seen. */
const covers = (top, element) => {
  if (!top || element.contains(top) || top.contains(element)) return false;
  if ([...(element.labels ?? [])].some((label) => label.contains(top))) return false;
  const box = top.getBoundingClientRect();
  const stretched = getComputedStyle(top, "::after");
  return !(stretched.position === "absolute" && stretched.content === '""' && !touches(box, element));
};

const touches = (box, element) =>
  [...element.getClientRects()].some(
    (line) => line.left < box.right && line.right > box.left && line.top < box.bottom && line.bottom > box.top);

const checkFocus = (element) => {
  for (let part = element.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  element.focus({ focusVisible: true });
  if (document.activeElement !== element) return "takes no focus";
  const shown = getComputedStyle(element);
  const isThin = shown.outlineStyle !== "auto" && parseFloat(shown.outlineWidth) < 2; // the browser's own says 1 px
  if (shown.outlineStyle === "none" || isThin) return "does not show its focus";
  const points = listPoints(element);
  if (!points.length) return "has its focus outside the window";
  const top = points.map(([x, y]) => document.elementFromPoint(x, y)).find((each) => covers(each, element));
  return top ? `is covered by ${nameOf(top)}, class “${top.className}”, when it has the focus` : "";
};

/* Forwards and backwards, since what sticks to an edge covers in one direction only; then the page is as it was. */
const findLostFocus = () => {
  const [before, folded] = [document.activeElement, [...document.querySelectorAll("details:not([open])")]];
  const elements = listShown();
  const faults = [...elements, ...elements.toReversed()].flatMap((element) => {
    const fault = checkFocus(element);
    return fault ? [`${nameOf(element)} ${fault}`] : [];
  });
  for (const part of folded) part.open = false;
  document.activeElement.blur();
  before.focus();
  return [...new Set(faults)];
};

/* A link in a sentence or line of text, which WCAG 2.5.5 excepts: other words stand in its block. */
const isInSentence = (element) => {
  if (!element.matches("a") || getComputedStyle(element).display !== "inline") return false;
  let block = element.parentElement;
  while (getComputedStyle(block).display.startsWith("inline")) block = block.parentElement;
  const copy = block.cloneNode(true);
  for (const other of copy.querySelectorAll("a, button, select, svg, .unseen")) other.remove();
  return /\p{L}/u.test(copy.textContent);
};

/* The element with its label: either may be pressed. */
const measureTarget = (element) => {
  const boxes = [element, ...(element.matches("[type=checkbox], [type=radio]") ? element.labels : [])]
    .map((each) => each.getBoundingClientRect());
  return [
    Math.max(...boxes.map((box) => box.right)) - Math.min(...boxes.map((box) => box.left)),
    Math.max(...boxes.map((box) => box.bottom)) - Math.min(...boxes.map((box) => box.top)),
  ];
};

const findSmallTargets = () => listShown()
  .filter((element) => !element.matches(".skip, .unseen") && !isInSentence(element))
  .flatMap((element) => {
    const [width, height] = measureTarget(element).map((length) => Math.round(length * 10) / 10);
    return width < FINGER || height < FINGER ? [`${nameOf(element)} is ${width} by ${height} px`] : [];
  });
