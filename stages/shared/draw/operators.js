// The operators of ONNX that the page can run: https://onnx.ai/onnx/operators, of opset 13.
// A tensor is {shape, values}, with the values row by row. The first axis of all but constants is one image. A function
// throws an Error that says with which attribute, type or shape it cannot run.

const FLOAT = 1; // of ONNX's data types

/** The attributes that an operator may have here, and its function from them and its inputs to its output. */
const OPERATORS = {
  Cast: [["to"], cast],
  Add: [[], arithmetic((a, b) => a + b)],
  Sub: [[], arithmetic((a, b) => a - b)],
  Mul: [[], arithmetic((a, b) => a * b)],
  Div: [[], arithmetic((a, b) => a / b)],
  Flatten: [["axis"], flatten],
  Reshape: [[], (_, input, shape) => reshape(input, shape.values.map((side, axis) => side || input.shape[axis]))],
  Unsqueeze: [[], (_, input, axes) => axes.values.reduce(insertAxis, input)],
  Gemm: [["transB"], gemm],
  BatchNormalization: [["epsilon"], batchNormalization],
  Conv: [["strides", "pads", "dilations", "group"], conv],
  MaxPool: [["kernel_shape", "strides", "pads", "dilations"], maxPool],
  AveragePool: [["kernel_shape", "strides", "pads", "count_include_pad"], averagePool],
  GlobalAveragePool: [[], globalAveragePool],
  Relu: [[], elementwise((x) => Math.max(x, 0))],
  LeakyRelu: [["alpha"], elementwise((x, { alpha = 0.01 }) => (x < 0 ? alpha * x : x))],
  Tanh: [[], elementwise(Math.tanh)],
  Sigmoid: [[], elementwise((x) => 1 / (1 + Math.exp(-x)))],
  Erf: [[], elementwise(erf)],
  Softmax: [["axis"], softmax],
};

function elementwise(compute) {
  return (attributes, { shape, values }) => ({ shape, values: values.map((x) => compute(x, attributes)) });
}

/** The smaller tensor is one number, or has the last axes of the larger. */
function arithmetic(compute) {
  return (_, a, b) => {
    const larger = a.values.length < b.values.length ? b : a;
    const smaller = larger === a ? b : a;
    const end = larger.shape.slice(larger.shape.length - smaller.shape.length);
    if (smaller.values.length !== 1 && String(end) !== String(smaller.shape)) {
      throw new Error(`shapes ${a.shape} and ${b.shape}`);
    }
    const [lengthA, lengthB] = [a.values.length, b.values.length];
    const values = larger.values.map((_, i) => compute(a.values[i % lengthA], b.values[i % lengthB]));
    return { shape: larger.shape, values };
  };
}

function cast({ to }, input) {
  if (to !== FLOAT) throw new Error(`type ${to}`);
  return input; // all values are float32
}

function reshape({ values }, shape) {
  if (shape.reduce((a, b) => a * b, 1) !== values.length) throw new Error(`shape ${shape}`);
  return { shape: [...shape], values };
}

function flatten({ axis = 1 }, { shape, values }) {
  const rows = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  return { shape: [rows, values.length / rows], values };
}

function insertAxis({ shape, values }, axis) {
  return { shape: [...shape.slice(0, axis), 1, ...shape.slice(axis)], values };
}

/** Compute input x weight + bias, with the weight of shape (outputs, inputs). */
function gemm({ transB = 0 }, input, weight, bias) {
  const [outputs, inputs] = weight.shape;
  if (!transB || input.values.length !== inputs) throw new Error(`shapes ${input.shape} and ${weight.shape}`);
  const values = Float32Array.from({ length: outputs }, (_, output) => {
    let sum = bias ? bias.values[output] : 0;
    for (let i = 0; i < inputs; i++) sum += weight.values[output * inputs + i] * input.values[i];
    return sum;
  });
  return { shape: [1, outputs], values };
}

function batchNormalization({ epsilon = 1e-5 }, { shape, values }, scale, bias, mean, variance) {
  const size = values.length / shape[1];
  const normalized = values.map((x, i) => {
    const channel = Math.floor(i / size);
    const deviation = Math.sqrt(variance.values[channel] + epsilon);
    return ((x - mean.values[channel]) / deviation) * scale.values[channel] + bias.values[channel];
  });
  return { shape, values: normalized };
}

/** The error function, with an error of at most 1.5e-7: Abramowitz and Stegun, formula 7.1.26. */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const polynomial =
    ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.sign(x) * (1 - polynomial * Math.exp(-x * x));
}

/** Turn logits into probabilities. The highest logit is subtracted, because exp overflows. */
function softmax({ axis = -1 }, { shape, values }) {
  if (shape.length !== 2 || ![-1, 1].includes(axis)) throw new Error(`shape ${shape}`);
  const highest = Math.max(...values);
  const exponentials = values.map((value) => Math.exp(value - highest));
  const sum = exponentials.reduce((a, b) => a + b);
  return { shape, values: exponentials.map((value) => value / sum) };
}
