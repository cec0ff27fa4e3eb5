// The sheet of paper: a transparent canvas, whose opacity is the ink.

const MAX_UNDO = 20;

class Paper {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.context.lineCap = "round";
    this.history = []; // the pixels and the picture before each change
    this.picture = null; // the inks of a picture in their own sizes, until something is drawn on it
    this.end = null; // where the stroke has come to
  }

  /** The inks, for `fit`: several if a picture has several digits. */
  get inks() {
    return this.picture ?? [this.ink];
  }

  /** What is drawn. */
  get ink() {
    return readOpacity(this.pixels);
  }

  get pixels() {
    return this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
  }

  beginStroke(point, width) {
    this.remember();
    this.picture = null;
    this.end = point;
    this.context.lineWidth = width;
    this.context.beginPath();
    this.context.arc(point.x, point.y, width / 2, 0, 2 * Math.PI); // a line without length would draw nothing
    this.context.fill();
  }

  extendStroke(point) {
    this.picture = null;
    this.context.beginPath();
    this.context.moveTo(this.end.x, this.end.y);
    this.context.lineTo(point.x, point.y);
    this.context.stroke();
    this.end = point;
  }

  /** Replace the drawing by the inks of a picture, side by side, as large as they fit. */
  show(inks) {
    this.remember();
    this.erase();
    this.picture = inks;
    const { height } = this.canvas;
    const width = this.canvas.width / inks.length;
    inks.forEach((ink, i) => {
      const scale = Math.min(width / ink.width, height / ink.height);
      const [w, h] = [ink.width * scale, ink.height * scale];
      this.context.drawImage(drawInk(ink), i * width + (width - w) / 2, (height - h) / 2, w, h);
    });
  }

  clear() {
    if (!crop(this.ink)) return;
    this.remember();
    this.erase();
  }

  undo() {
    const before = this.history.pop();
    if (!before) return;
    this.context.putImageData(before.pixels, 0, 0);
    this.picture = before.picture;
  }

  remember() {
    this.history.push({ pixels: this.pixels, picture: this.picture });
    if (this.history.length > MAX_UNDO) this.history.shift();
  }

  erase() {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.picture = null;
  }
}

/** Take the opacity of each pixel as ink. */
function readOpacity({ data, width, height }) {
  const values = new Float32Array(width * height);
  for (let i = 0; i < values.length; i++) values[i] = data[4 * i + 3];
  return { values, width, height };
}

/** Draw ink as black of that opacity on a canvas of its own. */
function drawInk({ values, width, height }) {
  const canvas = new OffscreenCanvas(width, height);
  const pixels = new ImageData(width, height);
  values.forEach((value, i) => {
    pixels.data[4 * i + 3] = value;
  });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}
