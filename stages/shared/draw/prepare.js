// From ink of any size to the pixels that the network sees, as `python -m predict` prepares them.
// Ink is {values, width, height}: numbers from 0, no ink, to 255, row by row.

/** Crop the ink, scale it to fit a box of size x size pixels, and place the box in an image. Without ink, return null. */
function fit(ink, [imageHeight, imageWidth], { size, center }) {
  const cropped = crop(ink);
  if (!cropped) return null;
  const longer = Math.max(cropped.width, cropped.height);
  const [width, height] = [cropped.width, cropped.height].map((side) => Math.max(1, Math.round((side * size) / longer)));
  const box = resize(cropped, width, height).map((value) => Math.min(Math.max(Math.round(value), 0), 255));
  if (box.every((value) => value === 0)) return null; // too faint
  const means = center === "mass" ? findMean(box, width) : null;
  const left = align(imageWidth, width, means?.x);
  const top = align(imageHeight, height, means?.y);
  const image = new Uint8Array(imageWidth * imageHeight);
  for (let y = 0; y < height; y++) {
    image.set(box.subarray(y * width, (y + 1) * width), (top + y) * imageWidth + left);
  }
  return image;
}

/** Crop ink to its bounding box; null if there is none. */
function crop({ values, width, height }) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (values[i] > 0) {
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = y;
      }
    }
  }
  return bottom < 0 ? null : cut({ values, width, height }, { top, left, bottom: bottom + 1, right: right + 1 });
}

/** Scale ink: first along the rows, then along the columns. */
function resize({ values, width, height }, newWidth, newHeight) {
  const columns = triangleFilter(width, newWidth);
  const rows = triangleFilter(height, newHeight);
  const narrow = new Float32Array(newWidth * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (const { begin, weights } of columns) narrow[i++] = dot(weights, values, y * width + begin, 1);
  }
  const resized = new Float32Array(newWidth * newHeight);
  let i = 0;
  for (const { begin, weights } of rows) {
    for (let x = 0; x < newWidth; x++) resized[i++] = dot(weights, narrow, begin * newWidth + x, newWidth);
  }
  return resized;
}

/** For each output pixel, list the weights of the input pixels from `begin` on: Pillow's BILINEAR, with anti-aliasing. */
function triangleFilter(inputs, outputs) {
  const scale = inputs / outputs;
  const support = Math.max(scale, 1);
  return Array.from({ length: outputs }, (_, output) => {
    const middle = (output + 0.5) * scale;
    const begin = Math.max(0, Math.floor(middle - support));
    const end = Math.min(inputs, Math.ceil(middle + support));
    const weights = Float64Array.from({ length: end - begin }, (_, i) =>
      Math.max(0, 1 - Math.abs(begin + i + 0.5 - middle) / support),
    );
    const sum = weights.reduce((a, b) => a + b);
    return { begin, weights: weights.map((weight) => weight / sum) };
  });
}

/** Compute the dot product of weights and every stride-th value from `begin` on. */
function dot(weights, values, begin, stride) {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i] * values[begin + i * stride];
  return sum;
}

/** Compute the mean column and the mean row of the ink in a box. */
function findMean(box, width) {
  let [sum, sumX, sumY] = [0, 0, 0];
  box.forEach((value, i) => {
    sum += value;
    sumX += value * (i % width);
    sumY += value * Math.floor(i / width);
  });
  return { x: sumX / sum, y: sumY / sum };
}

/**
 * Return where a box of some pixels begins in the side of an image: a mean comes to the middle, numbered from 0, as far
 * as the box stays in the image; without one, the box is centered.
 */
function align(side, pixels, mean) {
  const room = side - pixels;
  return mean === undefined ? Math.floor(room / 2) : Math.min(Math.max(Math.round(side / 2 - mean), 0), room);
}
