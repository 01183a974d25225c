// The outlines of a mask as one path: vector, so that it is sharp at any size and knows what lies inside.

// Of a point on the border and its two neighbours on each side. The steps of a slanted edge become a line; a corner
// loses less than half of its cell.
const WEIGHTS = [1, 4, 6, 4, 1].map((weight) => weight / 16);

// A Path2D in the grid's coordinates, to be filled "evenodd": holes are outlines, too.
export function outlineOf(mask) {
  const path = new Path2D();
  for (const points of borders(mask)) trace(path, smooth(points), mask.left, mask.top);
  return path;
}

// Where a label cannot be taken for a neighbour's: the middle of the mask's longest piece of a column.
export function middleOf({ left, top, width, height, cells }) {
  let longest = 0;
  let middle = [left, top];
  const lengths = new Int32Array(width); // of the pieces that end in this row
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const length = cells[row * width + column] ? lengths[column] + 1 : 0;
      lengths[column] = length;
      if (length > longest) {
        longest = length;
        middle = [left + column + 0.5, top + row + 1 - length / 2];
      }
    }
  }
  return middle;
}

// Every border between inside and outside, with the inside on the right hand: [x, y, x, y, …], the middles of the
// cells' sides that it goes along.
function* borders({ width, height, cells }) {
  const inside = (x, y) => x >= 0 && y >= 0 && x < width && y < height && cells[y * width + x] === 1;
  const seen = new Uint8Array(cells.length); // cells whose upper side was walked along
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (inside(x, y) && !inside(x, y - 1) && !seen[y * width + x]) yield walk(x, y, inside, seen, width);
    }
  }
}

function walk(startX, startY, inside, seen, width) {
  const points = [];
  let [x, y, dx, dy] = [startX, startY, 1, 0];
  do {
    if (dx === 1) seen[y * width + x] = 1;
    points.push(x + dx / 2, y + dy / 2);
    x += dx;
    y += dy;
    // The two cells ahead: of the four around this corner, those on the right and on the left hand.
    const right = inside(x + (dx - dy - 1) / 2, y + (dy + dx - 1) / 2);
    const left = inside(x + (dx + dy - 1) / 2, y + (dy - dx - 1) / 2);
    if (!right) [dx, dy] = [-dy, dx];
    else if (left) [dx, dy] = [dy, -dx];
  } while (x !== startX || y !== startY || dx !== 1);
  return points;
}

function smooth(points) {
  const [count, reach] = [points.length, WEIGHTS.length - 1]; // in numbers: two make a point
  const smoothed = new Float64Array(count);
  for (let at = 0; at < count; at++) {
    for (let place = 0; place < WEIGHTS.length; place++) {
      smoothed[at] += WEIGHTS[place] * points[(at + 2 * place - reach + count) % count];
    }
  }
  return smoothed;
}

function trace(path, points, left, top) {
  const count = points.length;
  path.moveTo(points[0] + left, points[1] + top);
  for (let at = 2; at < count; at += 2) {
    const [x, y, next] = [points[at], points[at + 1], (at + 2) % count];
    const turns = (x - points[at - 2]) * (points[next + 1] - y) - (y - points[at - 1]) * (points[next] - x);
    if (turns !== 0) path.lineTo(x + left, y + top); // along a straight side the two ends are enough
  }
  path.closePath();
}
