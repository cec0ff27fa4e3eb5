// Bring strokes to a width that the network knows, as predict/strokes.py does.

/** Thicken strokes that would fade, and thin those that would clog, when the ink is scaled down. */
function normalizeStrokes(ink) {
  let [width, size] = measureStrokes(ink);
  const factor = Math.ceil(RULES.fine_ink / size);
  let larger = ink;
  if (factor > 1) {
    const shape = { width: ink.width * factor, height: ink.height * factor };
    larger = { values: resize(ink, shape.width, shape.height), ...shape };
    [width, size] = measureStrokes(larger);
  }
  const thin = width < RULES.thinnest_stroke * size;
  if (!thin && width <= RULES.thickest_stroke * size) return ink;
  const missing = (thin ? RULES.thin_stroke : RULES.thick_stroke) * size - width;
  const change = 2 * Math.floor(Math.abs(missing) / 2 + 0.5) + 1; // an odd number of pixels
  return thin ? dilate(pad(larger, (change - 1) / 2), change) : erode(pad(larger, 1), change);
}

/** Return the width of the strokes, twice their area by the length of their outline, and the ink's longer side. */
function measureStrokes(ink) {
  const threshold = Math.min(127, ink.values.reduce((a, b) => Math.max(a, b)) / 2);
  const strokes = { ...ink, values: ink.values.map((value) => (value > threshold ? 1 : 0)) };
  const { width, height } = crop(strokes);
  return [(2 * count(strokes.values, Boolean)) / count(findOutline(strokes), Boolean), Math.max(width, height)];
}

/** Return 1 for the pixels of strokes that have a neighbor outside, and 0 for others. */
function findOutline(strokes) {
  const inner = erode(pad(strokes, 1), 3);
  const shape = { top: 1, left: 1, bottom: inner.height - 1, right: inner.width - 1 };
  const { values } = cut(inner, shape);
  return strokes.values.map((value, i) => value - values[i]);
}
