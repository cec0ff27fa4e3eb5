// What the page shows: what the network sees, the bars and the best class.

const EMPTY = "Nothing drawn: no prediction.";

class Output {
  constructor({ classes, digits, shape: [height, width] }) {
    this.classes = classes;
    this.certain = digits ? RULES.certain : 0;
    this.rows = classes.map(addRow);
    this.width = width;
    const canvas = document.getElementById("seen");
    Object.assign(canvas, { width, height, ariaLabel: `${width} x ${height} pixels` });
    this.seen = canvas.getContext("2d");
  }

  /** Show an image, one number from 0 to 255 for each pixel, and probabilities, for each digit; none if there is none. */
  show(answers) {
    this.seen.canvas.width = this.width * Math.max(answers.length, 1); // clears it, too
    answers.forEach(({ image }, i) => {
      this.seen.putImageData(toGrayscale(image, this.width), i * this.width, 0);
    });
    // The bars are those of the digit that is the least probable.
    const probabilities = answers.map((answer) => answer.probabilities).sort((a, b) => Math.max(...a) - Math.max(...b))[0];
    const best = probabilities ? rank(probabilities)[0] : null;
    this.rows.forEach(({ row, bar, percent }, index) => {
      row.classList.toggle("best", index === best);
      bar.style.transform = `scaleX(${probabilities ? probabilities[index] : 0})`;
      percent.textContent = probabilities ? formatPercent(probabilities[index]) : "–";
    });
    setText("best", probabilities ? this.read(answers) : "?");
    document.getElementById("best").classList.toggle("empty", !probabilities);
    setText("confidence", probabilities ? `Probability ${this.rate(answers)}` : EMPTY);
    document.getElementById("hint").hidden = answers.length > 0;
  }

  /** Return the class, or the number. */
  read(answers) {
    return answers.map(({ probabilities }) => this.classes[rank(probabilities)[0]]).join("");
  }

  /** Say how probable that is, and whether it is uncertain. */
  rate(answers) {
    const probability = answers.reduce((product, { probabilities }) => product * Math.max(...probabilities), 1);
    return `${formatPercent(probability)}${probability < this.certain ? ", uncertain" : ""}`;
  }

  /** Tell screen readers the best two classes: not while a stroke is drawn, but when it has ended. */
  announce(answers) {
    if (!answers.length) return setText("announcement", EMPTY);
    const [{ probabilities }] = answers;
    const second = rank(probabilities)[1];
    const rest = answers.length > 1 ? "" : ` Second: ${this.classes[second]}, ${formatPercent(probabilities[second])}.`;
    setText("announcement", `Prediction: ${this.read(answers)}, ${this.rate(answers)}.${rest}`);
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

/** Turn pixels into opaque shades of gray. */
function toGrayscale(image, width) {
  const pixels = new ImageData(width, image.length / width);
  image.forEach((value, i) => pixels.data.fill(value, 4 * i, 4 * i + 3)[4 * i + 3] = 255);
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
