// Bring strokes to a width and a slant that the network knows, as predict/strokes.py does.

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
  if (RULES.thinnest_stroke * size <= width && width <= RULES.thickest_stroke * size) return ink;
  const missing = (RULES.stroke * size - width) / 2; // at each side of a stroke
  if (missing <= 0) return thin(larger, -missing);
  const margin = Math.floor(missing + 0.5);
  return dilate(pad(larger, margin), 2 * margin + 1);
}

/** Keep the ink whose distance from what is not a stroke is more than `depth`. */
function thin(ink, depth) {
  const { values, width, height } = findStrokes(ink);
  const distances = new Float32Array(values.length); // from the next 0 of the row
  for (let i = 1; i < values.length; i++) distances[i] = values[i] && distances[i - 1] + 1;
  for (let i = values.length - 2; i >= 0; i--) distances[i] = Math.min(distances[i], distances[i + 1] + 1);
  const kept = ink.values.map((value, i) => {
    const [x, y] = [1 + (i % ink.width), 1 + Math.floor(i / ink.width)];
    const end = Math.min(y + Math.floor(depth), height - 1);
    for (let v = Math.max(0, y - Math.floor(depth)); v <= end; v++) {
      if (Math.hypot(distances[v * width + x], v - y) <= depth) return 0;
    }
    return value;
  });
  return { ...ink, values: kept };
}

/** Shear the ink: each row moves by a length proportional to its distance from the mean row. */
function removeSlant({ values, width, height }) {
  const mean = findMean(values, width);
  let [variance, covariance, sum] = [0, 0, 0];
  values.forEach((value, i) => {
    const [x, y] = [(i % width) - mean.x, Math.floor(i / width) - mean.y];
    sum += value;
    variance += value * y * y;
    covariance += value * x * y;
  });
  const slope = (RULES.slant * covariance) / Math.max(variance, sum);
  const margin = Math.ceil(Math.abs(slope) * height);
  const sheared = { width: width + 2 * margin, height };
  sheared.values = Float32Array.from({ length: sheared.width * height }, (_, i) => {
    const y = Math.floor(i / sheared.width);
    const x = (i % sheared.width) - margin + slope * (y - mean.y);
    const left = Math.floor(x);
    const at = (column) => (column >= 0 && column < width ? values[y * width + column] : 0);
    return at(left) + (x - left) * (at(left + 1) - at(left));
  });
  return sheared;
}

/** Return the width of the strokes, twice their area by the length of their outline, and the ink's longer side. */
function measureStrokes(ink) {
  const strokes = findStrokes(ink);
  const { width, height } = crop(strokes);
  return [(2 * count(strokes.values, Boolean)) / count(findOutline(strokes), Boolean), Math.max(width, height)];
}

/** Tell ink, 1, from its soft edge, 0, in an array with a margin of one pixel. */
function findStrokes(ink) {
  const threshold = Math.min(127, ink.values.reduce((a, b) => Math.max(a, b)) / 2);
  return pad({ ...ink, values: ink.values.map((value) => (value > threshold ? 1 : 0)) }, 1);
}

/** Return 1 for the pixels of strokes that have a neighbor outside, and 0 for others. */
function findOutline(strokes) {
  const inner = erode(pad(strokes, 1), 3);
  const shape = { top: 1, left: 1, bottom: inner.height - 1, right: inner.width - 1 };
  const { values } = cut(inner, shape);
  return strokes.values.map((value, i) => value - values[i]);
}
