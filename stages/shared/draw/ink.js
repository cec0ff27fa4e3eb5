// Find the digits of a picture, as predict/ink.py does, which says why in this order.

/** List the ink of each digit of a gray picture, from left to right; none if nothing in it could be a digit. */
function findDigits(gray) {
  const locate = (box) => {
    const factor = findFactor(gray, RULES.working_size);
    return cut(gray, Object.fromEntries(Object.entries(box).map(([side, value]) => [side, factor * value])));
  };
  gray = locate(findPaper(reduce(gray, RULES.working_size)));
  let sheet = readSheet(gray, false);
  const panel = sheet && findPanel(sheet);
  if (panel) return findDigits(locate(panel));
  let digits = sheet ? chooseDigits(sheet) : [];
  if (!digits.length && (sheet = readSheet(gray, true))) {
    const longer = Math.max(sheet.width, sheet.height);
    const isLarge = (digit) =>
      measureSize(digit) >= RULES.tight_size * longer && digit.right - digit.left >= RULES.tight_width * longer;
    digits = chooseDigits(sheet).filter(isLarge);
  }
  if (!digits.length) return [];
  const closer = locate(surround(digits));
  if (2 * Math.max(closer.width, closer.height) < Math.max(gray.width, gray.height)) return findDigits(closer);
  return digits.map((digit) => removeSlant(normalizeStrokes(extract(sheet, digit))));
}

/** Return the box of all digits with a margin. */
function surround(digits) {
  const whole = digits.reduce(join);
  const margin = 1 + Math.floor(RULES.margin * measureSize(whole));
  const { top, left, bottom, right } = whole;
  return { top: top - margin, left: left - margin, bottom: bottom + margin, right: right + margin };
}

/** Separate ink from paper; null if nothing differs enough from the paper. */
function readSheet(gray, tight) {
  const { noise, ...whole } = measureDarkness(reduce(gray, RULES.working_size));
  const { values, width, height } = tight ? whole : removeSurroundings(whole);
  const candidates = values.filter((value) => value > RULES.min_contrast / 2);
  if (!candidates.length) return null;
  const middle = otsu([0, ...candidates]);
  const dark = candidates.filter((value) => value > middle);
  const threshold = Math.min(middle, dark.reduce((a, b) => a + b) / dark.length / 2);
  const contrast = quantile(values.filter((value) => value > threshold), 0.75);
  const faintest = Math.max(threshold, RULES.faintest * contrast);
  const strokes = { values: values.map((value) => (value > faintest ? 1 : 0)), width, height };
  if (contrast < Math.max(RULES.min_contrast, RULES.min_noise_ratio * noise)) return null;
  if (isBlurred({ values, width, height }, strokes, contrast)) return null;
  if (tight && contrast < RULES.tight_contrast) return null;
  const ink = values.map((value) =>
    value > RULES.faintest * contrast ? Math.min(value * (255 / contrast), 255) : 0,
  );
  return { values: ink, width, height, ...findMarks(strokes) };
}

/** Tell shadows, and the uneven light on a photo, from ink: they are faint, and their edges are wide. */
function isBlurred(ink, strokes, contrast) {
  if (contrast > RULES.darkest_shadow) return false;
  const window = 2 * Math.max(1, Math.floor(RULES.widest_edge * Math.max(ink.width, ink.height))) + 1;
  const [lightest, darkest] = [dilate(ink, window).values, erode(ink, window).values];
  const outline = findOutline(strokes);
  const steps = outline.reduce((sum, value, i) => sum + value * (lightest[i] - darkest[i]), 0);
  return steps / count(outline, Boolean) < RULES.edge_contrast * contrast;
}

/** Return the ink of a digit, with its soft edge, and without that of other marks. */
function extract(sheet, digit) {
  const { values, labels, width, height } = sheet;
  const mine = { values: Float32Array.from(labels, (label) => (digit.labels.includes(label) ? 1 : 0)), width, height };
  const near = dilate(mine, 2 * findFactor(mine, RULES.grid_size) + 1).values;
  return { values: values.map((value, i) => (near[i] && (mine.values[i] || !labels[i]) ? value : 0)), width, height };
}
