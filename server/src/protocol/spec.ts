/** @file The analysis spec (`*.lib.json`): what to analyse, with which data and options. Field names are a fixed contract. */

export type Family =
  | "mlp" | "transformer-lens" | "gpt2" | "gpt-neo" | "gpt-neox" | "llama"
  | "keras" | "onnx" | "pt2" | "tfjs" | "layers";

export type ActivationName =
  | "relu" | "gelu" | "gelu_new" | "tanh" | "sigmoid" | "silu" | "leaky_relu" | "identity";

/** What the model file or its sidecar config cannot tell. Every field is optional: what is absent is inferred and verified. */
export interface ArchitectureSpec {
  family?: Family;
  activation?: ActivationName;
  /** In place of `activation`: what follows each affine layer, in order; null for nothing. */
  activations?: (ActivationName | null)[];
  /** Slope of leaky_relu below zero; 0.01 when absent, as in PyTorch. */
  negativeSlope?: number;
  /** Orientation of the affine weights when shapes cannot tell. */
  weightOrder?: "in,out" | "out,in";
  /** For family "layers": names of the affine layers in order. */
  layers?: string[];
  /** Prefix of the tensor names that belong to this network, such as "model.". */
  prefix?: string;
  /** Attention scores are divided by sqrt(d_head); true when absent. */
  scaleAttention?: boolean;
  /** Attention is causal; true when absent. */
  causal?: boolean;
  heads?: number;
}

export type DataKind =
  | "modular-addition" | "block-vectors" | "idx" | "cifar10-binary" | "npy" | "npz"
  | "csv" | "safetensors" | "parquet" | "images" | "text";

/** Every kind uses some of these fields; the data readers say which are missing. Paths are relative to the spec file. */
export interface DataSpec {
  kind: DataKind;
  modulus?: number;
  fracTrain?: number;
  seed?: number;
  split?: "train" | "test" | "all";
  inputs?: string;
  labels?: string;
  /** Name of the array inside an npz or safetensors file. */
  inputsName?: string;
  labelsName?: string;
  /** Inputs are multiplied by this after reading (1/255 for raw bytes), then (x - mean) / std. */
  scale?: number;
  mean?: number;
  std?: number;
  /** At most this many samples, from the start. */
  limit?: number;
  size?: number;
  width?: number;
  /** Whether inputs are token ids; when absent, integers of 16 bits or more in arrays are. */
  tokens?: boolean;
  /** Of token ids: the label of every position is the token after it, and the last position only serves as a label. */
  nextToken?: boolean;
  /** text: tokenizer.json, vocab.json with merges.txt, tokenizer.bin of llama2.c, or a folder with one of these. */
  tokenizer?: string;
  /** text: tokens per sample; 128 when absent. */
  contextLength?: number;
  /** text: token before every document ("" for none); the tokenizer's usual one when absent. */
  separator?: string;
  /** text: token at the start of every sample; none when absent. */
  startToken?: string;
}

export interface EvaluationSpec {
  data?: DataSpec;
  metric?: "accuracy" | "ce-loss";
}

export type BasisFormula = "jacobian" | "(1-0)*alpha" | "(1-alpha)^2" | "svd" | "neuron";

export type Integration = "gradient" | "gauss-legendre" | "trapezoidal";

export interface BasisSpec {
  formula?: BasisFormula;
  center?: boolean;
  /** One rule, or rules by name of a node layer or by what such names begin with. */
  integration?: Integration | Record<string, Integration>;
  intervals?: number;
  global?: boolean;
  sources?: { position?: number | null; hidden?: number | null };
  /** A number is relative to the largest non-constant eigenvalue; 1e-6 when absent. */
  threshold?: number | { absolute: number };
  rotateOutput?: boolean;
  isolateLayerNormVariance?: boolean;
}

/** A matrix in a file whose rows (or columns) are the features of a node layer. */
export interface ImportedBasisSpec {
  /** Relative to the spec; any format that models are read from. */
  file: string;
  /** Of the tensor; may be left out when the file holds one matrix only. */
  name?: string;
  /** Axes of the matrix; told by the shape when absent and possible, else "features,width". */
  orientation?: "features,width" | "width,features";
  /** "decoder" (what a feature writes) when absent, or "encoder" (what it reads). */
  role?: "decoder" | "encoder";
}

export interface EdgeSpec {
  formula?: "squared" | "functional";
  sources?: number | null;
}

/** Which numbers of features or edges an ablation scores; what each schedule takes is in docs/analysis-spec.md. */
export interface AblationScheduleSpec {
  schedule?: "all" | "linear" | "exponential" | "bisect" | "logarithmic";
  points?: number;
  base?: number;
  cutoff?: number;
  /** A bisection ends when so few numbers are left between kept and lost. */
  interval?: number;
  /** Further numbers to keep. */
  keep?: number[];
  /** Stop once a score is further than this from the base score. */
  stopAt?: number;
}

export interface AblationSpec {
  nodes?: AblationScheduleSpec;
  edges?: AblationScheduleSpec;
  /** Loss of score that still counts as kept. */
  tolerance?: number;
}

export type Precision = "float32" | "float64";

export interface AnalysisSpec {
  $schema?: string;
  model: string;
  architecture?: ArchitectureSpec;
  data: DataSpec;
  evaluation?: EvaluationSpec;
  /** How ablations probe; no part of the result's key. */
  ablation?: AblationSpec;
  nodeLayers?: string[];
  /** Module after which only the last position is kept (method.md 1.3). */
  lastPositionOnly?: string;
  basis?: BasisSpec;
  edges?: EdgeSpec;
  /** Bases from files, by name of their node layer. */
  bases?: Record<string, ImportedBasisSpec>;
  precision?: Precision;
  batchSize?: number | "auto";
  maxMemory?: string;
  seed?: number;
}
