// What the page shows: the 28 x 28 pixels, the bars and the best class.

const EMPTY = "Nothing drawn: no prediction.";

class Output {
  constructor(classes) {
    this.classes = classes;
    this.rows = classes.map(addRow);
    this.seen = document.getElementById("seen").getContext("2d");
  }

  /** Show an image, 784 pixels from 0 to 255, and the ten probabilities; both are null if nothing is drawn. */
  show(image, probabilities) {
    this.seen.putImageData(toGrayscale(image ?? new Uint8Array(IMAGE_SIZE * IMAGE_SIZE)), 0, 0);
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

/** Turn 784 pixels into opaque shades of gray. */
function toGrayscale(image) {
  const pixels = new ImageData(IMAGE_SIZE, IMAGE_SIZE);
  image.forEach((value, i) => pixels.data.set([value, value, value, 255], 4 * i));
  return pixels;
}

/** List the indices of the classes, the most probable first. */
function rank(probabilities) {
  return [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
}

function formatPercent(probability) {
  return `${(100 * probability).toFixed(1)} %`;
}
