// From an image file to ink.

const MAX_SIDE = 2000; // larger pictures are scaled down, as predict does

/** List the ink of each digit of an image file; of other classes, that of the picture. Throws an Error of what is wrong. */
async function readPicture(file, model) {
  const name = file.name || "The picture";
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`${name}: not an image that this browser can read.`);
  }
  const gray = toGray(readPixels(bitmap));
  if (isPrepared(gray, model)) return [gray];
  const inks = model.digits ? findDigits(gray) : findBox(gray);
  if (!inks.length) throw new Error(`${name}: empty: no ink differs from the background.`);
  return inks;
}

/** Return the RGBA values of a bitmap, with at most MAX_SIDE pixels along each side. */
function readPixels(bitmap) {
  const factor = findFactor(bitmap, MAX_SIDE);
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.ceil(side / factor));
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

/**
 * Turn RGBA into luminance (ITU-R BT.601). A transparent picture is put on the color of its paper, or its opacity is the
 * ink, if all that is visible is ink.
 */
function toGray({ data, width, height }) {
  const gray = { values: new Float32Array(width * height), width, height };
  const alpha = { values: new Float32Array(width * height), width, height };
  for (let i = 0, j = 0; j < data.length; i++, j += 4) {
    gray.values[i] = Math.round(0.299 * data[j] + 0.587 * data[j + 1] + 0.114 * data[j + 2]);
    alpha.values[i] = data[j + 3];
  }
  if (alpha.values.every((value) => value === 255)) return gray;
  const visible = crop({ ...alpha, values: alpha.values.map((value) => (value > 127 ? 1 : 0)) });
  if (!visible) return alpha;
  const shown = gray.values.filter((_, i) => alpha.values[i] > 127);
  const range = shown.reduce((a, b) => Math.max(a, b)) - shown.reduce((a, b) => Math.min(a, b));
  const share = shown.length / visible.values.length;
  if (shown.length < alpha.values.length && (share <= 0.5 || range <= RULES.visible_contrast)) {
    return pad(alpha, 1 + Math.floor(Math.max(width, height) / 10));
  }
  const paper = quantile(shown, 0.5);
  return { ...gray, values: gray.values.map((value, i) => paper + ((value - paper) * alpha.values[i]) / 255) };
}

/** Tell whether a picture already is an image of the network, as those of MNIST are. */
function isPrepared(gray, { shape: [height, width], ink }) {
  if (gray.width !== width || gray.height !== height) return false;
  const image = fit(gray, [height, width], ink);
  return image !== null && gray.values.every((value, i) => value === image[i]);
}

/** List what differs from the border of a picture, as one ink, if anything does. */
function findBox({ values, width, height }) {
  const border = values.filter((_, i) => {
    const x = i % width;
    return x === 0 || x === width - 1 || i < width || i >= values.length - width;
  });
  const background = quantile(border, 0.5);
  const sign = background > 127 ? -1 : 1;
  const ink = values.map((value) => (sign * (value - background) < RULES.min_contrast ? 0 : sign * (value - background)));
  return ink.some(Boolean) ? [{ values: ink, width, height }] : [];
}
