/** @file Tensors grouped into affine layers by their names: `fc1.weight` with `fc1.bias`, `layers.0.W` with `layers.0.b`, Keras' `dense/kernel:0`. */

import type { TensorInfo } from "../../formats/modelFile";

const weightNames = ["weight", "W", "kernel", "w"];
const biasNames = ["bias", "b"];

export type WeightOrder = "in,out" | "out,in";

export interface AffineLayer {
  readonly name: string;
  readonly weight: TensorInfo;
  readonly bias: TensorInfo | null;
  /** What the name of the weight says: nn.Linear's `weight` is out,in; `W` and `kernel` are in,out. */
  readonly usualOrder: WeightOrder;
}

/** Why the tensors are no set of affine layers, in one sentence that follows "because". */
export class NoChain {
  constructor(readonly reason: string) {}
}

/** Layers in the order of the file. */
export function affineLayers(tensors: readonly TensorInfo[]): AffineLayer[] | NoChain {
  const groups = new Map<string, Map<string, TensorInfo>>();
  for (const tensor of tensors) {
    const { layer, part } = splitName(tensor.name);
    const parts = groups.get(layer) ?? new Map<string, TensorInfo>();
    groups.set(layer, parts.set(part, tensor));
  }
  const layers: AffineLayer[] = [];
  for (const [name, parts] of groups) {
    const layer = affineLayer(name, parts);
    if (layer instanceof NoChain) return layer;
    layers.push(layer);
  }
  return layers.length > 0 ? layers : new NoChain("it holds no tensors");
}

/** `a.b.weight` is part `weight` of layer `a.b`; Keras separates by strokes and numbers its outputs, `a/kernel:0`. */
export function splitName(name: string): { layer: string; part: string } {
  const plain = name.replace(/:\d+$/, "");
  const end = Math.max(plain.lastIndexOf("."), plain.lastIndexOf("/"));
  return { layer: plain.slice(0, Math.max(0, end)), part: plain.slice(end + 1) };
}

function affineLayer(name: string, parts: ReadonlyMap<string, TensorInfo>): AffineLayer | NoChain {
  const weightName = weightNames.find((one) => parts.has(one));
  const biasName = biasNames.find((one) => parts.has(one));
  const extra = [...parts.keys()].find((part) => part !== weightName && part !== biasName);
  if (weightName === undefined && biasName === undefined) return new NoChain(`"${parts.get(extra!)!.name}" belongs to no affine layer`);
  if (weightName === undefined) return new NoChain(`"${parts.get(biasName!)!.name}" has no weight beside it`);
  const weight = parts.get(weightName)!;
  if (/(^|\.|_)(embed(ding)?s?|wte|wpe)$/i.test(name)) return new NoChain(`"${weight.name}" is an embedding`);
  if (weight.shape.length !== 2) {
    const kind = weight.shape.length === 1 ? " (a normalisation layer?)" : weight.shape.length === 4 ? " (a convolution?)" : "";
    return new NoChain(`"${weight.name}" has ${weight.shape.length} axes${kind}, and an affine layer has 2`);
  }
  if (extra !== undefined) return new NoChain(`"${parts.get(extra)!.name}" belongs to no affine layer`);
  const bias = biasName === undefined ? null : parts.get(biasName)!;
  if (bias && bias.shape.length !== 1) return new NoChain(`"${bias.name}" has ${bias.shape.length} axes, and a bias has 1`);
  return { name, weight, bias, usualOrder: weightName === "weight" ? "out,in" : "in,out" };
}

export function widthsOf(layer: AffineLayer, order: WeightOrder): { inputs: number; outputs: number } {
  const [first, second] = layer.weight.shape as [number, number];
  return order === "in,out" ? { inputs: first, outputs: second } : { inputs: second, outputs: first };
}

/** Whether each layer takes what the one before it gives, and each bias is as long as its layer's output. */
export function chains(layers: readonly AffineLayer[], order: WeightOrder): boolean {
  return layers.every((layer, index) => {
    const { inputs, outputs } = widthsOf(layer, order);
    const before = index > 0 ? widthsOf(layers[index - 1]!, order).outputs : inputs;
    return before === inputs && (layer.bias === null || layer.bias.shape[0] === outputs);
  });
}
