// Separate what is on the paper from its frame, from the light on it, and from what goes on beyond the picture, as
// predict/background.py does, which says why. RULES are those of predict/rules.py.

/** Return the box of a picture without a frame, or strips at some of its sides. */
function findPaper(gray) {
  const box = { top: 0, left: 0, bottom: gray.height, right: gray.width };
  for (let found = true; found; ) {
    found = false;
    for (const side of ["top", "bottom", "left", "right"]) {
      const rows = measureFrame(cut(gray, box), side);
      box[side] += ["top", "left"].includes(side) ? rows : -rows;
      found ||= rows > 0;
    }
  }
  return box;
}

/** Count the rows of a frame at a side. */
function measureFrame({ values, width, height }, side) {
  const upright = ["top", "bottom"].includes(side);
  const [rows, columns] = upright ? [height, width] : [width, height];
  const depth = Math.floor(RULES.frame_depth * rows);
  const starts = [2, 2 + Math.max(3, Math.floor(rows / 40)), Math.floor(rows / 4)];
  if (depth + Math.max(...starts) > rows) return 0;
  const locate = (row, column) => {
    const y = ["bottom", "right"].includes(side) ? rows - 1 - row : row;
    return values[upright ? y * width + column : column * width + y];
  };
  const lightest = new Float32Array(columns).fill(-Infinity);
  const darkest = new Float32Array(columns).fill(Infinity);
  let frame = 0;
  for (let row = 0; row < depth; row++) {
    let [lighter, darker] = [0, 0];
    for (let column = 0; column < columns; column++) {
      const here = locate(row, column);
      const inner = starts.map((start) => locate(row + start, column));
      lightest[column] = Math.max(lightest[column], here);
      darkest[column] = Math.min(darkest[column], here);
      if (Math.min(...inner) - lightest[column] > RULES.frame_step) lighter++;
      if (darkest[column] - Math.max(...inner) > RULES.frame_step) darker++;
    }
    if (Math.max(lighter, darker) / columns >= RULES.frame_edge) frame = row + 2;
  }
  return frame;
}

/** Return how much darker than its paper each pixel is, or lighter than a dark background, and the noise of that. */
function measureDarkness(gray) {
  let grid = reduce(gray, RULES.grid_size);
  if (isLightOnDark(grid)) {
    [gray, grid] = [gray, grid].map((image) => ({ ...image, values: image.values.map((value) => 255 - value) }));
  }
  const window = Math.floor(RULES.widest_stroke * Math.max(grid.width, grid.height)) | 1;
  const paper = resize(erode(dilate(grid, window), window), gray.width, gray.height);
  const darkness = gray.values.map((value, i) => (paper[i] - value) * (255 / Math.max(paper[i], RULES.darkest_paper)));
  const noise = measureNoise({ ...gray, values: darkness });
  const level = Math.max(quantile(darkness, 0.3), 0) + 3 * noise;
  return { ...gray, values: darkness.map((value) => Math.round(Math.max(value - level, 0))), noise };
}

/** Tell whether the larger deviations from the mean around each pixel are lighter. */
function isLightOnDark({ values, width, height }) {
  const reach = Math.max(width, height) >> 2;
  const average = (source, stride, side, locate) =>
    source.map((_, i) => {
      const begin = i - locate(i) * stride;
      let sum = 0;
      for (let d = -reach; d <= reach; d++) {
        sum += source[begin + Math.min(Math.max(locate(i) + d, 0), side - 1) * stride];
      }
      return sum / (2 * reach + 1);
    });
  const rows = average(values, 1, width, (i) => i % width);
  const around = average(rows, width, height, (i) => Math.floor(i / width));
  return values.reduce((sum, value, i) => sum + (value - around[i]) ** 3, 0) > 0;
}

/** Estimate the standard deviation of noise, of neighbors, and of the lightest pixels. */
function measureNoise({ values, width }) {
  const differences = values.map((value, i) => Math.abs(value - values[i - 1])).filter((_, i) => i % width);
  const fine = differences.length ? (1.4826 * quantile(differences, 0.5)) / Math.SQRT2 : 0;
  return Math.max(fine, (quantile(values, 0.3) - quantile(values, 0.1)) / 0.757);
}

/** Remove what is connected with the border: from the darkest on, each pixel is as dark as a path to it can stay. */
function removeSurroundings({ values, width, height }) {
  const path = new Float32Array(values.length).fill(-1);
  const pending = Array.from({ length: 256 }, () => []);
  const visit = (i, darkness) => {
    path[i] = darkness;
    pending[darkness].push(i);
  };
  values.forEach((value, i) => {
    const x = i % width;
    if (x === 0 || x === width - 1 || i < width || i >= values.length - width) visit(i, value);
  });
  for (let darkness = 255; darkness >= 0; darkness--) {
    for (const i of pending[darkness]) {
      for (const j of listNeighbors(i, width, height)) if (path[j] < 0) visit(j, Math.min(darkness, values[j]));
    }
  }
  return { values: values.map((value, i) => value - path[i]), width, height };
}
