/** Elements. Text goes in as text: nothing here takes markup. */

/** @typedef {Node | string | null | false} Child */

/**
 * An element with attributes (`class`, `aria-…`, …) and children. A null or false attribute or child is left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Readonly<Record<string, string | number | boolean | null>>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * The same for drawings.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Readonly<Record<string, string | number | boolean | null>>} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Readonly<Record<string, string | number | boolean | null>>} attributes
 * @param {Child[]} children
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}

/** The element of the page with an id. @param {string} id */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** @type {WeakMap<Element, string>} */
const shown = new WeakMap();

/**
 * Gives an element new children when `key` is another than last time, and the focus back to the child with the same `data-focus`. What did
 * not change stays, so that neither the focus nor a selection is lost to an update.
 * @param {Element} element
 * @param {unknown} key anything that JSON shows
 * @param {() => Child[]} build
 */
export function patch(element, key, build) {
  const text = JSON.stringify(key);
  if (shown.get(element) === text) return;
  shown.set(element, text);
  const active = document.activeElement;
  const name = active !== null && element.contains(active) ? active.getAttribute('data-focus') : null;
  element.replaceChildren(...build().filter((child) => child !== null && child !== false));
  if (name === null) return;
  const next = [...element.querySelectorAll('[data-focus]')].find((it) => it.getAttribute('data-focus') === name);
  if (next instanceof HTMLElement) next.focus();
}

/**
 * Makes `wanted` the children of an element, in this order, moving only what is out of place.
 * @param {Element} parent
 * @param {readonly Element[]} wanted
 */
export function arrange(parent, wanted) {
  const active = document.activeElement;
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  wanted.forEach((child, at) => {
    if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] ?? null);
  });
  // An element that moves loses the focus.
  if (active instanceof HTMLElement && active !== document.activeElement && parent.contains(active)) active.focus();
}
