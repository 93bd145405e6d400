/**
 * @file The parameters and buffers that each layer of PyTorch puts into a state dict, with their shapes, as its
 * documentation gives them. A dimension is null where the code does not say it.
 */

import type { Value } from "../facts";

export type Dimension = number | null;
export type Shape = readonly Dimension[];

/** Arguments of one call, with parameters filled in. */
export interface Filled {
  positional: readonly Value[];
  keyword: ReadonlyMap<string, Value>;
  /** Something was passed that the scan cannot see. */
  open: boolean;
}

export interface ParameterShape { name: string; shape: Shape; optional?: boolean }

type Expand = (call: Filled) => ParameterShape[];

function value(call: Filled, position: number, name: string, absent: Value = null): Value {
  const given = call.keyword.has(name) ? call.keyword.get(name) : call.positional[position];
  if (given !== undefined) return given;
  return call.open ? null : absent;
}

function dimension(call: Filled, position: number, name: string, absent: Value = null): Dimension {
  const given = value(call, position, name, absent);
  return typeof given === "number" ? given : null;
}

/** With a flag whose value is unknown, the tensors that it switches may or may not be there. */
function when(flag: Value, tensors: ParameterShape[]): ParameterShape[] {
  if (flag === false) return [];
  return flag === true ? tensors : tensors.map((tensor) => ({ ...tensor, optional: true }));
}

/** An integer or a tuple of `rank` integers. */
function sizes(given: Value, rank: number): Dimension[] {
  if (Array.isArray(given)) return Array.from({ length: rank }, (_, i) => (typeof given[i] === "number" ? given[i] : null));
  return Array.from({ length: rank }, () => (typeof given === "number" ? given : null));
}

function divide(a: Dimension, b: Dimension): Dimension {
  return a === null || b === null || b === 0 ? null : Math.floor(a / b);
}

function times(a: Dimension, b: Dimension): Dimension {
  return a === null || b === null ? null : a * b;
}

const linear: Expand = (call) => {
  const [inputs, outputs] = [dimension(call, 0, "in_features"), dimension(call, 1, "out_features")];
  return [{ name: "weight", shape: [outputs, inputs] }, ...when(value(call, 2, "bias", true), [{ name: "bias", shape: [outputs] }])];
};

const lazyLinear: Expand = (call) => {
  const outputs = dimension(call, 0, "out_features");
  return [{ name: "weight", shape: [outputs, null] }, ...when(value(call, 1, "bias", true), [{ name: "bias", shape: [outputs] }])];
};

const embedding: Expand = (call) => [
  { name: "weight", shape: [dimension(call, 0, "num_embeddings"), dimension(call, 1, "embedding_dim")] },
];

/** @param transposed its weight leads from the inputs, groups dividing the outputs */
function convolution(rank: number, transposed = false): Expand {
  return (call) => {
    const [inputs, outputs] = [dimension(call, 0, "in_channels"), dimension(call, 1, "out_channels")];
    const kernel = sizes(value(call, 2, "kernel_size"), rank);
    const groups = dimension(call, 6, "groups", 1);
    return [
      { name: "weight", shape: transposed ? [inputs, divide(outputs, groups), ...kernel] : [outputs, divide(inputs, groups), ...kernel] },
      ...when(value(call, 7, "bias", true), [{ name: "bias", shape: [outputs] }]),
    ];
  };
}

function batchNorm(affineDefault: boolean, trackDefault: boolean): Expand {
  return (call) => {
    const features = dimension(call, 0, "num_features");
    return [
      ...when(value(call, 3, "affine", affineDefault), [{ name: "weight", shape: [features] }, { name: "bias", shape: [features] }]),
      ...when(value(call, 4, "track_running_stats", trackDefault), [
        { name: "running_mean", shape: [features] }, { name: "running_var", shape: [features] }, { name: "num_batches_tracked", shape: [] },
      ]),
    ];
  };
}

const layerNorm: Expand = (call) => {
  const size = value(call, 0, "normalized_shape");
  const shape = Array.isArray(size) ? sizes(size, size.length) : [typeof size === "number" ? size : null];
  // Written as a name, the size may be a tuple of any length: then only the tensor's name is known.
  const affine = value(call, 2, "elementwise_affine", true);
  return [...when(affine, [{ name: "weight", shape }]), ...when(affine === true ? value(call, 3, "bias", true) : affine, [{ name: "bias", shape }])];
};

const rmsNorm: Expand = (call) => layerNorm(call).filter((tensor) => tensor.name === "weight");

const groupNorm: Expand = (call) => {
  const shape = [dimension(call, 1, "num_channels")];
  return when(value(call, 3, "affine", true), [{ name: "weight", shape }, { name: "bias", shape }]);
};

const bilinear: Expand = (call) => {
  const outputs = dimension(call, 2, "out_features");
  return [
    { name: "weight", shape: [outputs, dimension(call, 0, "in1_features"), dimension(call, 1, "in2_features")] },
    ...when(value(call, 3, "bias", true), [{ name: "bias", shape: [outputs] }]),
  ];
};

/** The packed form, when keys and values have the width of the queries. */
const multiheadAttention: Expand = (call) => {
  const width = dimension(call, 0, "embed_dim");
  const bias = value(call, 3, "bias", true);
  return [
    { name: "in_proj_weight", shape: [times(width, 3), width] },
    ...when(bias, [{ name: "in_proj_bias", shape: [times(width, 3)] }]),
    { name: "out_proj.weight", shape: [width, width] },
    ...when(bias, [{ name: "out_proj.bias", shape: [width] }]),
  ];
};

function recurrent(gates: number): Expand {
  return (call) => {
    const [inputs, hidden] = [dimension(call, 0, "input_size"), dimension(call, 1, "hidden_size")];
    const rows = times(hidden, gates);
    const layers = dimension(call, 2, "num_layers", 1) ?? 1;
    const directions = value(call, 6, "bidirectional", false) === true ? ["", "_reverse"] : [""];
    return Array.from({ length: Math.min(layers, 64) }).flatMap((_, layer) => directions.flatMap((suffix) => {
      const width = layer === 0 ? inputs : times(hidden, directions.length);
      const name = (part: string): string => `${part}_l${layer}${suffix}`;
      return [
        { name: name("weight_ih"), shape: [rows, width] }, { name: name("weight_hh"), shape: [rows, hidden] },
        ...when(value(call, 3, "bias", true), [{ name: name("bias_ih"), shape: [rows] }, { name: name("bias_hh"), shape: [rows] }]),
      ];
    }));
  };
}

const prelu: Expand = (call) => [{ name: "weight", shape: [dimension(call, 0, "num_parameters", 1)] }];

const known: ReadonlyMap<string, Expand> = new Map<string, Expand>([
  ["Linear", linear], ["LazyLinear", lazyLinear], ["Bilinear", bilinear],
  ["Embedding", embedding], ["EmbeddingBag", embedding],
  ["Conv1d", convolution(1)], ["Conv2d", convolution(2)], ["Conv3d", convolution(3)],
  ["ConvTranspose1d", convolution(1, true)], ["ConvTranspose2d", convolution(2, true)], ["ConvTranspose3d", convolution(3, true)],
  ["BatchNorm1d", batchNorm(true, true)], ["BatchNorm2d", batchNorm(true, true)], ["BatchNorm3d", batchNorm(true, true)],
  ["SyncBatchNorm", batchNorm(true, true)],
  ["InstanceNorm1d", batchNorm(false, false)], ["InstanceNorm2d", batchNorm(false, false)], ["InstanceNorm3d", batchNorm(false, false)],
  ["LayerNorm", layerNorm], ["RMSNorm", rmsNorm], ["GroupNorm", groupNorm],
  ["MultiheadAttention", multiheadAttention],
  ["LSTM", recurrent(4)], ["GRU", recurrent(3)], ["RNN", recurrent(1)],
  ["PReLU", prelu],
]);

const withoutParameters = new RegExp("^(" + [
  "ReLU6?", "GELU", "SiLU", "Mish", "ELU", "SELU", "CELU", "LeakyReLU", "RReLU", "Sigmoid", "LogSigmoid", "Tanh", "Hard\\w+", "Soft\\w+", "LogSoftmax",
  "Threshold", "GLU", "Identity", "Flatten", "Unflatten", "\\w*Dropout\\d?d?", "\\w*Pool\\d?d?", "Upsample\\w*", "PixelShuffle", "ZeroPad\\w*", "\\w+Pad\\dd",
  "\\w+Loss", "Fold", "Unfold", "Accuracy", "\\w*Metric\\w*",
].join("|") + ")$");

/** What a layer of PyTorch puts into the state dict; null for a name that is none of them. */
export function knownParameters(name: string, call: Filled): ParameterShape[] | null {
  const expand = known.get(name);
  if (expand) return expand(call);
  return withoutParameters.test(name) ? [] : null;
}
