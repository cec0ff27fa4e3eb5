// The operators that move a window over the images of each channel: convolution and pooling.

/**
 * List, for each place in the window, which pixels of the output it gives something to, and from which of the input.
 * Pixels outside of the input are left out.
 */
function slide([height, width], [rows, columns], { strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1] }) {
  const [top, left, bottom, right] = pads;
  const count = (size, kernel, axis) => Math.floor((size - dilations[axis] * (kernel - 1) - 1) / strides[axis]) + 1;
  const shape = [count(height + top + bottom, rows, 0), count(width + left + right, columns, 1)];
  const places = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const pairs = [];
      for (let i = 0; i < shape[0] * shape[1]; i++) {
        const y = Math.floor(i / shape[1]) * strides[0] + row * dilations[0] - top;
        const x = (i % shape[1]) * strides[1] + column * dilations[1] - left;
        if (y >= 0 && y < height && x >= 0 && x < width) pairs.push([i, y * width + x]);
      }
      places.push({ outputs: Int32Array.from(pairs, ([i]) => i), inputs: Int32Array.from(pairs, ([, i]) => i) });
    }
  }
  return { shape, places };
}

function conv({ group = 1, ...attributes }, input, weight, bias) {
  const [, , ...size] = input.shape;
  const [channels, channelsOfGroup, ...kernel] = weight.shape;
  const { shape, places } = slide(size, kernel, attributes);
  const [outputSize, inputSize] = [shape[0] * shape[1], size[0] * size[1]];
  const values = new Float32Array(channels * outputSize);
  for (let channel = 0, w = 0; channel < channels; channel++) {
    const output = values.subarray(channel * outputSize, (channel + 1) * outputSize);
    if (bias) output.fill(bias.values[channel]);
    const first = Math.floor((channel * group) / channels) * channelsOfGroup;
    for (let source = first; source < first + channelsOfGroup; source++) {
      const image = input.values.subarray(source * inputSize, (source + 1) * inputSize);
      for (const { outputs, inputs } of places) {
        const factor = weight.values[w++];
        for (let i = 0; i < outputs.length; i++) output[outputs[i]] += factor * image[inputs[i]];
      }
    }
  }
  return { shape: [1, channels, ...shape], values };
}

/** Combine the values in each window, from `start` on. Returns the numbers of values, too, which are less at an edge. */
function pool({ kernel_shape: kernel, ...attributes }, input, start, combine) {
  const [, channels, ...size] = input.shape;
  const { shape, places } = slide(size, kernel, attributes);
  const [outputSize, inputSize] = [shape[0] * shape[1], size[0] * size[1]];
  const values = new Float32Array(channels * outputSize).fill(start);
  const counts = new Float32Array(outputSize);
  for (const { outputs, inputs } of places) {
    for (const i of outputs) counts[i]++;
    for (let channel = 0; channel < channels; channel++) {
      const [output, image] = [channel * outputSize, channel * inputSize];
      for (let i = 0; i < outputs.length; i++) {
        const index = output + outputs[i];
        values[index] = combine(values[index], input.values[image + inputs[i]]);
      }
    }
  }
  return { shape: [1, channels, ...shape], values, counts };
}

function maxPool(attributes, input) {
  const { shape, values } = pool(attributes, input, -Infinity, Math.max);
  return { shape, values };
}

function averagePool({ count_include_pad: countsPadding = 0, ...attributes }, input) {
  const { shape, values, counts } = pool(attributes, input, 0, (a, b) => a + b);
  const area = attributes.kernel_shape[0] * attributes.kernel_shape[1];
  return { shape, values: values.map((sum, i) => sum / (countsPadding ? area : counts[i % counts.length])) };
}

function globalAveragePool(_, input) {
  return averagePool({ kernel_shape: input.shape.slice(2) }, input);
}
