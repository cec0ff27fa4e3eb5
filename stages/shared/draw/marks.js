// Choose the digits among the marks on a paper, by their sizes and places, as predict/marks.py does, which says why.
// A mark is the box {top, left, bottom, right} of connected pixels, or of several such parts, with their labels, their
// area, and the size of the largest part.

/** Label the connected pixels that are not 0 from 1 on; list the marks that are not specks. */
function findMarks({ values, width, height }) {
  const labels = new Int32Array(values.length);
  const marks = [];
  values.forEach((value, first) => {
    if (!value || labels[first]) return;
    const label = marks.length + 1;
    labels[first] = label;
    const pixels = [first];
    for (const i of pixels) {
      for (const j of listNeighbors(i, width, height)) {
        if (values[j] && !labels[j]) {
          labels[j] = label;
          pixels.push(j);
        }
      }
    }
    marks.push(makeMark(pixels, width, label));
  });
  const smallest = Math.max(2, RULES.min_size * Math.max(width, height));
  return { labels, marks: marks.filter((mark) => measureSize(mark) >= smallest) };
}

function makeMark(pixels, width, label) {
  const mark = { top: Infinity, left: Infinity, bottom: 0, right: 0, area: pixels.length, labels: [label] };
  for (const i of pixels) {
    const [x, y] = [i % width, Math.floor(i / width)];
    mark.top = Math.min(mark.top, y);
    mark.left = Math.min(mark.left, x);
    mark.bottom = Math.max(mark.bottom, y + 1);
    mark.right = Math.max(mark.right, x + 1);
  }
  return { ...mark, part: measureSize(mark) };
}

function measureSize({ top, left, bottom, right }) {
  return Math.max(bottom - top, right - left);
}

/** Return the share of its box that a mark fills. */
function measureFill({ top, left, bottom, right, area }) {
  return area / ((bottom - top) * (right - left));
}

function isFlat({ top, left, bottom, right }) {
  return right - left >= RULES.flat * (bottom - top);
}

function join(a, b) {
  return {
    top: Math.min(a.top, b.top),
    left: Math.min(a.left, b.left),
    bottom: Math.max(a.bottom, b.bottom),
    right: Math.max(a.right, b.right),
    area: a.area + b.area,
    part: Math.max(a.part, b.part),
    labels: [...a.labels, ...b.labels],
  };
}

/** Return a box without its edge, a share of its size. */
function shrink(mark, share) {
  const edge = 1 + Math.floor(share * measureSize(mark));
  return { top: mark.top + edge, left: mark.left + edge, bottom: mark.bottom - edge, right: mark.right - edge };
}

/** Return the largest filled rectangle, which is a picture of its own, without its edge; null if there is none. */
function findPanel({ marks, labels, width, height }) {
  for (const mark of [...marks].sort((a, b) => b.area - a.area)) {
    const size = measureSize(mark);
    if (size < RULES.panel_size * Math.max(width, height) || measureFill(mark) < RULES.panel_fill) continue;
    for (const edge of RULES.panel_edges) {
      const box = shrink(mark, edge);
      const { top, left, bottom, right } = box;
      const [rows, columns] = [bottom - top, right - left];
      if (size > RULES.panel_ratio * Math.min(rows, columns)) break;
      const isMark = (y, x) => labels[y * width + x] === mark.labels[0];
      const sides = [
        count(new Uint8Array(columns), (_, x) => isMark(top, left + x)) / columns,
        count(new Uint8Array(columns), (_, x) => isMark(bottom - 1, left + x)) / columns,
        count(new Uint8Array(rows), (_, y) => isMark(top + y, left)) / rows,
        count(new Uint8Array(rows), (_, y) => isMark(top + y, right - 1)) / rows,
      ];
      if (Math.min(...sides) > RULES.panel_side) return box;
    }
  }
  return null;
}

/** Return the marks that are digits, from left to right: none, one, or those of a number. */
function chooseDigits({ marks, width, height }) {
  const tallest = (list) => Math.max(0, ...list.map(measureSize));
  const candidates = leaveOutLines(leaveOutBoxes(marks), width);
  const strokes = candidates.filter((mark) => !isDot(mark, tallest(candidates)));
  const joined = joinStrokes(strokes);
  const digits = joined.filter((mark) => {
    const size = measureSize(mark);
    return size >= RULES.digit_size * tallest(joined) && mark.part >= RULES.min_part * size;
  });
  if (!digits.length) return [];
  const rate = ({ top, left, bottom, right }) => Math.hypot(top + bottom - height, left + right - width) / 2;
  const middle = digits.reduce((a, b) => (rate(b) - measureSize(b) < rate(a) - measureSize(a) ? b : a));
  return digits.filter((mark) => isBeside(mark, middle)).sort((a, b) => a.left - b.left);
}

function leaveOutBoxes(marks) {
  const isIn = (a, b) => b.top < a.top && a.bottom < b.bottom && b.left < a.left && a.right < b.right;
  const isBox = (mark) =>
    marks.some((other) => isIn(other, mark) && measureSize(other) > RULES.enclosed * measureSize(mark));
  const boxes = marks.filter(isBox);
  if (!boxes.length) return marks;
  return marks.filter((mark) => !boxes.includes(mark) && boxes.some((box) => isIn(mark, box)));
}

function leaveOutLines(marks, width) {
  const lowest = Math.max(-1, ...marks.filter((mark) => !isFlat(mark)).map((mark) => mark.top));
  return marks.filter((mark) => !isFlat(mark) || (mark.top < lowest && mark.right - mark.left < width));
}

/** Tell whether a mark is small and filled, as a period or a punched hole. */
function isDot(mark, tallest) {
  return measureSize(mark) < RULES.dot_size * tallest && measureFill(mark) > RULES.dot_fill;
}

/** Join the marks that are strokes of one digit, the largest first. */
function joinStrokes(marks) {
  let pending = [...marks].sort((a, b) => b.area - a.area);
  const digits = [];
  while (pending.length) {
    let digit = pending.shift();
    for (let near; (near = pending.filter((mark) => isStroke(mark, digit))).length; ) {
      digit = near.reduce(join, digit);
      pending = pending.filter((mark) => !near.includes(mark));
    }
    digits.push(digit);
  }
  return digits;
}

function isStroke(mark, digit) {
  const sizes = [measureSize(mark), measureSize(digit)];
  const [smaller, larger] = [Math.min(...sizes), Math.max(...sizes)];
  const across = Math.max(mark.left, digit.left) - Math.min(mark.right, digit.right);
  const along = Math.max(mark.top, digit.top) - Math.min(mark.bottom, digit.bottom);
  const gap = smaller < RULES.digit_size * larger ? RULES.stroke_gap : 0;
  return across < gap * larger && along < RULES.vertical_gap * larger;
}

/** Tell whether two digits are in one line of text. */
function isBeside(a, b) {
  const overlap = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return overlap > RULES.digit_size * Math.min(a.bottom - a.top, b.bottom - b.top);
}
