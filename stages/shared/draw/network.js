// The network: an ONNX graph, node by node.

/** Decode float32 numbers, little endian, from base64. */
function decodeFloats(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/** Read the model of this page. */
function readModel() {
  const model = JSON.parse(document.getElementById("model").textContent);
  for (const constant of Object.values(model.constants)) {
    if (typeof constant.values === "string") constant.values = decodeFloats(constant.values);
  }
  return model;
}

/** Run the model on an image, one number from 0 to 255 for each pixel, row by row; return calibrated probabilities. */
function predict({ nodes, constants, shape, temperature }, image) {
  const tensors = { ...constants, images: { shape: [1, ...shape], values: Float32Array.from(image) } };
  for (const { operator, inputs, output, attributes } of nodes) {
    const [, compute] = OPERATORS[operator];
    try {
      tensors[output] = compute(attributes, ...inputs.map((name) => tensors[name]));
    } catch (error) {
      throw new Error(`It has the operator ${operator} with ${error.message}.`);
    }
  }
  const { values, shape: logits } = tensors.logits;
  return softmax({}, { shape: logits, values: values.map((value) => value / temperature) }).values;
}

/** Say why this page cannot run a model; null if it can. */
function findUnsupported(model) {
  const { nodes, shape, classes, ink } = model;
  if (shape.length > 2) return "Its images are in color; this page draws in gray.";
  if (!ink) return "Its images are not ink on a plain background.";
  for (const { operator, attributes } of nodes) {
    if (!Object.hasOwn(OPERATORS, operator)) return `It has the operator ${operator}.`;
    const unknown = Object.keys(attributes).find((name) => !OPERATORS[operator][0].includes(name));
    if (unknown) return `It has the operator ${operator} with ${unknown}.`;
  }
  try {
    if (predict(model, new Uint8Array(shape[0] * shape[1])).length === classes.length) return null;
  } catch (error) {
    return error.message;
  }
  return `It has not one output for each of ${classes.length} classes.`;
}
