/** @file Which file names mean a model, data or something to scan. */

const modelExtensions = [
  ".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".onnx", ".pt2", ".keras", ".h5", ".hdf5", ".npz", ".msgpack",
];
const dataExtensions = [
  ".npy", ".csv", ".parquet", ".gz", ".arrow", ".tar",
  "-idx1-ubyte", "-idx3-ubyte",
];

export function isModelPath(path: string): boolean {
  return modelExtensions.some((extension) => path.toLowerCase().endsWith(extension)) || /(^|\/)model\.json$/.test(path);
}

export function isDataPath(path: string): boolean {
  return dataExtensions.some((extension) => path.toLowerCase().endsWith(extension));
}

/** What a scanner is chosen by. */
export type SourceKind = "python" | "typescript" | "yaml" | "json" | "spec" | "notebook";

export function sourceKind(path: string): SourceKind | null {
  if (path.endsWith(".lib.json")) return "spec";
  const extension = /\.[^./\\]+$/.exec(path)?.[0]?.toLowerCase();
  switch (extension) {
    case ".py": case ".pyi": return "python";
    case ".ts": case ".tsx": case ".mts": case ".cts": case ".js": case ".jsx": case ".mjs": case ".cjs": return "typescript";
    case ".yaml": case ".yml": return "yaml";
    case ".json": return "json";
    case ".ipynb": return "notebook";
    default: return null;
  }
}
