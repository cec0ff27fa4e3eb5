// What the page shows: what the network sees, the bars and the best class.

const EMPTY = "Nothing drawn: no prediction.";

class Output {
  constructor({ classes, shape: [height, width] }) {
    this.classes = classes;
    this.rows = classes.map(addRow);
    const canvas = document.getElementById("seen");
    Object.assign(canvas, { width, height, ariaLabel: `${width} x ${height} pixels` });
    this.seen = canvas.getContext("2d");
  }

  /** Show an image, one number from 0 to 255 for each pixel, and the probabilities; both are null if nothing is drawn. */
  show(image, probabilities) {
    this.seen.putImageData(toGrayscale(image ?? [], this.seen.canvas), 0, 0);
    const best = probabilities ? rank(probabilities)[0] : null;
    this.rows.forEach(({ row, bar, percent }, index) => {
      row.classList.toggle("best", index === best);
      bar.style.transform = `scaleX(${probabilities ? probabilities[index] : 0})`;
      percent.textContent = probabilities ? formatPercent(probabilities[index]) : "–";
    });
    setText("best", probabilities ? this.classes[best] : "?");
    document.getElementById("best").classList.toggle("empty", !probabilities);
    setText("confidence", probabilities ? `Probability ${formatPercent(probabilities[best])}` : EMPTY);
    document.getElementById("hint").hidden = image !== null;
  }

  /** Tell screen readers the best two classes: not while a stroke is drawn, but when it has ended. */
  announce(probabilities) {
    const describe = (index) => `${this.classes[index]}, ${formatPercent(probabilities[index])}`;
    const [best, second] = probabilities ? rank(probabilities) : [];
    const text = probabilities ? `Prediction: ${describe(best)}. Second: ${describe(second)}.` : EMPTY;
    setText("announcement", text);
  }

  showError(text) {
    setText("error", text);
  }
}

/** Add a row to the table: the name of the class, its bar, its probability. */
function addRow(name) {
  const row = document.getElementById("bars").insertRow();
  const header = document.createElement("th");
  header.scope = "row";
  header.textContent = name;
  row.append(header);
  const bar = document.createElement("div");
  row.insertCell().append(bar);
  return { row, bar, percent: row.insertCell() };
}

function setText(id, text) {
  document.getElementById(id).textContent = text;
}

/** Turn pixels into opaque shades of gray, on black. */
function toGrayscale(image, { width, height }) {
  const pixels = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) pixels.data.fill(image[i] ?? 0, 4 * i, 4 * i + 3)[4 * i + 3] = 255;
  return pixels;
}

/** List the indices of the classes, the most probable first. */
function rank(probabilities) {
  return [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
}

/** Show why the page cannot run its network, instead of a prediction. */
function showUnsupported(text) {
  document.body.classList.add("unsupported");
  document.querySelector("h1").textContent = "This page cannot run its network";
  setText("about", `${text} Use python -m predict.`);
}

function formatPercent(probability) {
  return `${(100 * probability).toFixed(1)} %`;
}
