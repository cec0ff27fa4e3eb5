// Operations on {values, width, height}: numbers, row by row. As in SciPy, scikit-image and Pillow, which predict uses.

/** Return the part from `top` and `left` up to, without them, `bottom` and `right`. */
function cut({ values, width, height }, { top, left, bottom, right }) {
  [top, left, bottom, right] = [Math.max(0, top), Math.max(0, left), Math.min(height, bottom), Math.min(width, right)];
  const part = { width: right - left, height: bottom - top };
  part.values = new Float32Array(part.width * part.height);
  for (let y = 0; y < part.height; y++) {
    const begin = (top + y) * width + left;
    part.values.set(values.subarray(begin, begin + part.width), y * part.width);
  }
  return part;
}

/** Return the side of the squares that `reduce` averages. */
function findFactor({ width, height }, size) {
  return Math.ceil(Math.max(width, height) / size);
}

/** Average squares of pixels, so that the longer side has at most `size`. */
function reduce(gray, size) {
  const factor = findFactor(gray, size);
  if (factor === 1) return gray;
  const [width, height] = [Math.ceil(gray.width / factor), Math.ceil(gray.height / factor)];
  const sums = new Float32Array(width * height);
  const counts = new Float32Array(width * height);
  for (let y = 0, i = 0; y < gray.height; y++) {
    const row = Math.floor(y / factor) * width;
    for (let x = 0; x < gray.width; x++, i++) {
      const block = row + Math.floor(x / factor);
      sums[block] += gray.values[i];
      counts[block]++;
    }
  }
  return { values: sums.map((sum, i) => sum / counts[i]), width, height };
}

/** Replace each pixel by `combine` of it and the others of its row, then of its column, at most `reach` away. */
function spread({ values, width, height }, reach, combine) {
  const along = (source, stride, side, locate) =>
    source.map((value, i) => {
      const position = locate(i);
      const end = Math.min(reach, side - 1 - position);
      for (let d = -Math.min(reach, position); d <= end; d++) value = combine(value, source[i + d * stride]);
      return value;
    });
  const rows = along(values, 1, width, (i) => i % width);
  return { values: along(rows, width, height, (i) => Math.floor(i / width)), width, height };
}

/** Replace each pixel by the maximum of size x size pixels around it; the size is odd. */
function dilate(image, size) {
  return spread(image, (size - 1) / 2, Math.max);
}

function erode(image, size) {
  return spread(image, (size - 1) / 2, Math.min);
}

function pad({ values, width, height }, margin) {
  const padded = { width: width + 2 * margin, height: height + 2 * margin };
  padded.values = new Float32Array(padded.width * padded.height);
  for (let y = 0; y < height; y++) {
    padded.values.set(values.subarray(y * width, (y + 1) * width), (y + margin) * padded.width + margin);
  }
  return padded;
}

/** Return the value below which `share` of the values are. */
function quantile(values, share) {
  return Float32Array.from(values).sort()[Math.floor(share * (values.length - 1))];
}

function count(values, test) {
  return values.reduce((sum, value, i) => sum + (test(value, i) ? 1 : 0), 0);
}

/** Return Otsu's threshold of whole numbers from 0 to 255: up to it is one class. */
function otsu(values) {
  const counts = new Float64Array(256);
  for (const value of values) counts[value]++;
  const total = values.reduce((a, b) => a + b, 0);
  let [best, threshold, below, sum] = [-1, 0, 0, 0];
  for (let value = 0; value < 255; value++) {
    below += counts[value];
    sum += counts[value] * value;
    const above = values.length - below;
    if (!below || !above) continue;
    const variance = below * above * (sum / below - (total - sum) / above) ** 2;
    if (variance > best) [best, threshold] = [variance, value];
  }
  return threshold;
}

/** List the neighbors of a pixel, at most eight. */
function listNeighbors(i, width, height) {
  const [x, y] = [i % width, Math.floor(i / width)];
  const neighbors = [];
  for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
    for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
      if (u !== x || v !== y) neighbors.push(v * width + u);
    }
  }
  return neighbors;
}
