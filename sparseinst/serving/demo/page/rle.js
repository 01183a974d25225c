// COCO's compressed run lengths to cells of a grid. The format: sparseinst/masks/coco.py, counts_of_rle_string.

// The run lengths, down the columns of the picture, outside first. Throws where the text is no such list.
export function runLengths(text) {
  const counts = [];
  let value = 0;
  let digits = 0; // of 5 bits each, lowest first
  for (let at = 0; at < text.length; at++) {
    const group = text.charCodeAt(at) - 48;
    if (group < 0 || group > 63 || digits > 6) throw new Error("the mask's run lengths are damaged");
    value += (group & 31) * 32 ** digits; // no shifts: they would end at 32 bits
    digits += 1;
    if (group & 32) continue;
    if (group & 16) value -= 32 ** digits;
    counts.push(counts.length > 2 ? value + counts[counts.length - 2] : value);
    value = 0;
    digits = 0;
  }
  if (digits) throw new Error("the mask's run lengths end within a number");
  return counts;
}

// The mask on a grid of `columns` x `rows` cells over the picture; a cell is what the pixel at its centre is.
// Gives {left, top, width, height, cells}: the part of the grid that holds the mask, cells row by row, 1 inside.
export function cellsOf({ size: [height, width], counts }, columns, rows) {
  const { starts, stops } = runs(runLengths(counts), height * width);
  const rowOf = (pixels) => Math.ceil((pixels * rows) / height - 0.5); // the first row whose centre is not above
  const pieces = []; // column, first row, row after the last
  let [left, right, top, bottom] = [columns, 0, rows, 0];
  let next = 0;
  for (let column = 0; column < columns; column++) {
    const begin = Math.floor(((column + 0.5) * width) / columns) * height;
    while (next < starts.length && stops[next] <= begin) next += 1;
    for (let run = next; run < starts.length && starts[run] < begin + height; run++) {
      const first = rowOf(Math.max(starts[run] - begin, 0));
      const last = rowOf(Math.min(stops[run] - begin, height));
      if (last <= first) continue;
      pieces.push(column, first, last);
      left = Math.min(left, column);
      right = column + 1;
      top = Math.min(top, first);
      bottom = Math.max(bottom, last);
    }
  }
  if (!pieces.length) return { left: 0, top: 0, width: 0, height: 0, cells: new Uint8Array(0) };
  const cells = new Uint8Array((right - left) * (bottom - top));
  for (let at = 0; at < pieces.length; at += 3) {
    for (let row = pieces[at + 1]; row < pieces[at + 2]; row++) {
      cells[(row - top) * (right - left) + pieces[at] - left] = 1;
    }
  }
  return { left, top, width: right - left, height: bottom - top, cells };
}

// Where each run inside the object starts and stops, counted in pixels down the columns.
function runs(counts, pixels) {
  const starts = [];
  const stops = [];
  let at = 0;
  counts.forEach((count, index) => {
    if (count < 0) throw new Error("the mask has a run of negative length");
    if (index % 2 && count) {
      starts.push(at);
      stops.push(at + count);
    }
    at += count;
  });
  if (at !== pixels) throw new Error("the mask is not one of this picture");
  return { starts, stops };
}
