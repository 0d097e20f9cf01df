const [QUOTE, BACKSLASH, BRACE, COLON, SPACE, LAST_ASCII] = [0x22, 0x5c, 0x7b, 0x3a, 0x20, 0x7e];

/**
 * Whether two JSON values, as bytes, say the same but for the texts of these fields of theirs: `names`, in their quotes. Nothing is parsed, for what comes a hundred
 * thousand times a second. False is no verdict: it is also said of an object within the object, of an escaped character, and of a text of
 * another length or that is not plain ASCII. True holds for bytes that are no JSON as well: neither of the two can be read then.
 */
export function sameButTexts(names: readonly Uint8Array[], a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null || a.length !== b.length || a[0] !== BRACE) return false;
  for (let at = 0; at < a.length; at++) {
    const byte = a[at];
    // What follows one of these may be a text within a text, or a field of an inner object.
    if (byte === BACKSLASH || (byte === BRACE && at > 0)) return false;
    if (byte === b[at]) continue;
    if (!isTextOf(names, a, at)) return false;
    at = endOfTexts(a, b, at);
    if (at === -1) return false;
  }
  return true;
}

/** Whether the byte there lies in the text of one of the fields. */
function isTextOf(names: readonly Uint8Array[], json: Uint8Array, at: number): boolean {
  const open = json.lastIndexOf(QUOTE, at - 1);
  const colon = beforeSpaces(json, open - 1);
  if (open === -1 || json[colon] !== COLON) return false;
  const end = beforeSpaces(json, colon - 1) + 1;
  return names.some((name) => endsWith(json, end, name));
}

function beforeSpaces(json: Uint8Array, at: number): number {
  while (json[at] === SPACE) at -= 1;
  return at;
}

function endsWith(json: Uint8Array, end: number, name: Uint8Array): boolean {
  const start = end - name.length;
  return start >= 0 && name.every((byte, at) => json[start + at] === byte);
}

/** Where the quote is that ends both texts; -1 when that is not the same place, or one of them is not plain. */
function endOfTexts(a: Uint8Array, b: Uint8Array, from: number): number {
  for (let at = from; at < a.length; at++) {
    const [one, other] = [a[at] as number, b[at] as number];
    if (one === QUOTE && other === QUOTE) return at;
    if (!isPlain(one) || !isPlain(other)) return -1;
  }
  return -1;
}

const isPlain = (byte: number) => byte >= SPACE && byte <= LAST_ASCII && byte !== QUOTE && byte !== BACKSLASH;
