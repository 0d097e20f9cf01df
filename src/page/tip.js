/** The one box with details, for what the pointer is on or the focus is in. */
import { byId } from './dom.js';

const GAP = 6;

/** @type {HTMLElement | null} */
let owner = null;

/**
 * Shows details of an element while the pointer or the focus is on it; Escape hides them.
 * @param {HTMLElement} element
 * @param {() => Node[]} build
 */
export function describe(element, build) {
  const show = () => open(element, build());
  const leave = () => setTimeout(() => isWanted(element) || close(element), 100);
  element.addEventListener('pointerenter', show);
  element.addEventListener('focus', show);
  element.addEventListener('click', show);
  element.addEventListener('pointerleave', leave);
  element.addEventListener('blur', leave);
}

/** The box itself may be pointed at, so that its text can be read and copied. @param {HTMLElement} element */
const isWanted = (element) =>
  owner !== element || element.matches(':hover') || document.activeElement === element || byId('tip').matches(':hover');

/**
 * @param {HTMLElement} element
 * @param {Node[]} content
 */
function open(element, content) {
  const tip = byId('tip');
  owner?.removeAttribute('aria-describedby');
  owner = element;
  element.setAttribute('aria-describedby', 'tip');
  tip.replaceChildren(...content);
  tip.hidden = false;
  const place = element.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const origin = byId('main').getBoundingClientRect();
  const left = Math.max(GAP, Math.min(place.left, document.documentElement.clientWidth - width - GAP));
  const isBelow = place.bottom + GAP + height <= window.innerHeight || place.top < height + GAP;
  const top = isBelow ? place.bottom + GAP : place.top - GAP - height;
  tip.style.left = `${left - origin.left}px`;
  tip.style.top = `${top - origin.top}px`;
}

/** @param {HTMLElement | null} element */
function close(element) {
  if (element !== owner) return;
  owner?.removeAttribute('aria-describedby');
  owner = null;
  byId('tip').hidden = true;
}

/** Lets Escape and a pointer that leaves the box hide it. */
export function startTip() {
  document.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') close(owner);
  });
  byId('tip').addEventListener('pointerleave', () => {
    if (owner && !isWanted(owner)) close(owner);
  });
}
