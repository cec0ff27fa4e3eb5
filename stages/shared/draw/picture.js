// From an image file to ink.

const MAX_SIDE = 1024; // larger pictures are scaled down: the network sees fewer pixels
const MIN_CONTRAST = 24; // of 255; less is noise
const THINNEST_STROKE = 0.08; // of the ink's longer side; thinner ones would fade when the ink is scaled down

/** Read the ink of an image file: dark on light or light on dark. Throws an Error that says what is wrong. */
async function readPicture(file) {
  const name = file.name || "The picture";
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`${name}: not an image that this browser can read.`);
  }
  const ink = findInk(readPixels(bitmap));
  if (!ink) throw new Error(`${name}: nothing in it differs from its background.`);
  return thicken(ink);
}

/** Return the RGBA values of a bitmap, with at most MAX_SIDE pixels along each side. */
function readPixels(bitmap) {
  const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

/** Return what differs from the background as ink, or null. The background is the median of the border. */
function findInk({ data, width, height }) {
  const gray = toGray(data);
  const border = gray.filter((_, i) => {
    const x = i % width;
    return x === 0 || x === width - 1 || i < width || i >= gray.length - width;
  });
  const background = quantile(border, 0.5);
  const contrast = gray.map((value) => (background > 127 ? background - value : value - background));
  const strongest = contrast.reduce((a, b) => Math.max(a, b));
  // An image file made by a program has an even background. Paper in a photo has not: only what is well above the
  // differences along the border is ink, and most of that is as dark as the pen.
  const unevenness = quantile(border.map((value) => Math.abs(value - background)), 0.9);
  const none = unevenness === 0 ? 0 : Math.max(2 * unevenness, strongest / 4);
  if (strongest - none < MIN_CONTRAST) return null;
  const full = unevenness === 0 ? strongest : quantile(contrast.filter((value) => value > none), 0.75);
  const values = contrast.map((value) => Math.min(Math.max((value - none) / (full - none), 0), 1) * 255);
  return { values, width, height };
}

/** Turn RGBA into luminance (ITU-R BT.601) on white, or on black if what is opaque is light. */
function toGray(data) {
  const luminance = new Float32Array(data.length / 4);
  let [opacity, light] = [0, 0];
  for (let i = 0, j = 0; j < data.length; i++, j += 4) {
    luminance[i] = 0.299 * data[j] + 0.587 * data[j + 1] + 0.114 * data[j + 2];
    opacity += data[j + 3];
    light += luminance[i] * data[j + 3];
  }
  const paper = light / opacity > 127 ? 0 : 255;
  return luminance.map((value, i) => paper + ((value - paper) * data[4 * i + 3]) / 255);
}

/** Thicken strokes that are too thin. Their width is twice the area by the length of the outline. */
function thicken(ink) {
  const { values, width, height } = ink;
  const strokes = { values: values.map((value) => (value > 127 ? 1 : 0)), width, height };
  const box = crop(strokes);
  const outside = dilate({ ...strokes, values: strokes.values.map((value) => 1 - value) }, 3);
  const area = strokes.values.reduce((a, b) => a + b);
  const outline = strokes.values.reduce((sum, value, i) => sum + value * outside.values[i], 0);
  const missing = THINNEST_STROKE * Math.max(box.width, box.height) - (2 * area) / outline;
  return missing < 1 ? ink : dilate(ink, 2 * Math.round(missing / 2) + 1);
}

/** Replace each pixel by the maximum of size x size pixels around it; the size is odd. */
function dilate({ values, width, height }, size) {
  const reach = (size - 1) / 2;
  const spread = (source, stride, side, locate) =>
    source.map((highest, i) => {
      const position = locate(i);
      const end = Math.min(reach, side - 1 - position);
      for (let d = -Math.min(reach, position); d <= end; d++) highest = Math.max(highest, source[i + d * stride]);
      return highest;
    });
  const rows = spread(values, 1, width, (i) => i % width);
  return { values: spread(rows, width, height, (i) => Math.floor(i / width)), width, height };
}

function quantile(values, share) {
  return Float32Array.from(values).sort()[Math.floor(share * (values.length - 1))];
}
