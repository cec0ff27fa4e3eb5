// The network: its weights, and its forward pass.

/** Decode float32 numbers, little endian, from base64. */
function decodeFloats(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/** Read the classifier of this page. A weight holds outputs x inputs numbers, row by row; a bias holds outputs numbers. */
function readClassifier() {
  const classifier = JSON.parse(document.getElementById("classifier").textContent);
  for (const layer of classifier.layers) {
    layer.weight = decodeFloats(layer.weight);
    layer.bias = decodeFloats(layer.bias);
  }
  return classifier;
}

/** Compute weight x input + bias. */
function linear({ weight, bias }, input) {
  return bias.map((sum, output) => {
    const row = output * input.length;
    for (let i = 0; i < input.length; i++) sum += weight[row + i] * input[i];
    return sum;
  });
}

function relu(values) {
  return values.map((value) => Math.max(value, 0));
}

/** Turn logits into probabilities. The highest logit is subtracted, because exp overflows. */
function softmax(logits) {
  const highest = Math.max(...logits);
  const exponentials = logits.map((logit) => Math.exp(logit - highest));
  const sum = exponentials.reduce((a, b) => a + b);
  return exponentials.map((value) => value / sum);
}

/** Compute the ten probabilities of an image: 784 pixels from 0 to 255, row by row, bright ink on black. */
function predict({ layers, mean, std }, image) {
  let values = new Float32Array(image).map((x) => (x / 255 - mean) / std);
  layers.forEach((layer, index) => {
    values = linear(layer, index === 0 ? values : relu(values));
  });
  return softmax(values);
}
