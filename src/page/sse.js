/** Server-sent events out of a stream of text, since EventSource cannot send a token. Pure. */

/**
 * Takes pieces of the stream as they come and returns the data of the events that each one completes. Comments count for nothing here.
 * @returns {(piece: string) => string[]}
 */
export function eventReader() {
  let rest = '';
  return (piece) => {
    const blocks = (rest + piece).replaceAll('\r\n', '\n').split('\n\n');
    rest = blocks.pop() ?? '';
    return blocks.map(dataOf).filter((data) => data !== '');
  };
}

/** @param {string} block */
function dataOf(block) {
  return block
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).replace(/^ /, ''))
    .join('\n');
}
