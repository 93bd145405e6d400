/** @file Calls that read or write model and data files, and what file each names. */

import type { Node } from "web-tree-sitter";
import type { FileReference } from "../facts";
import { isDataPath, isModelPath } from "../fileKinds";
import { lastPart, rangeOf } from "../syntax/nodes";
import { type PythonCall, readCall } from "./calls";
import { type PathFolder, documentFolder } from "./pathExpressions";

interface KnownCall {
  callee: RegExp;
  what: "model" | "data";
  how: "load" | "save";
}

/** Tried in order; the callee is written as in the code (`torch.load`, `model.load_weights`). */
const knownCalls: readonly KnownCall[] = [
  { callee: /(^|\.)(torch|jit|export|dill|joblib)\.load$/, what: "model", how: "load" },
  { callee: /(^|\.)(load_file|safe_open|load_model|load_layers_model|load_state_dict|load_from_checkpoint|load_weights|load_checkpoint|restore_checkpoint|from_pretrained)$/, what: "model", how: "load" },
  { callee: /(^|\.)(onnx\.load|InferenceSession)$/, what: "model", how: "load" },
  { callee: /(^|\.)(torch|jit|export)\.save$/, what: "model", how: "save" },
  { callee: /(^|\.)(save_file|save_model|onnx\.export|save_pretrained|save_weights|save_checkpoint)$/, what: "model", how: "save" },
  { callee: /(^|\.)(model|net|network|keras_model)\.save$/, what: "model", how: "save" },
  { callee: /(^|\.)(np|numpy|jnp)\.load$/, what: "data", how: "load" },
  { callee: /(^|\.)(loadtxt|fromfile|read_csv|read_parquet|read_feather|h5py\.File)$/, what: "data", how: "load" },
  { callee: /(^|\.)((np|numpy|jnp)\.(save|savez|savez_compressed)|to_csv|to_parquet)$/, what: "data", how: "save" },
];

/** Functions that also take things that are no path: they count only when a known extension or a folder on disk stands there. */
const needsExtension = /(^|\.)(load_state_dict|load_checkpoint|from_pretrained|save_pretrained|save)$/;

/** Names of arguments that hold a path, such as `f`, `model_path`, `pretrained_model_name_or_path`; `map_location`, `framework` and the like do not. */
const pathKeyword = /(^|_)(f|file|filename|filepath|fname|path|model|checkpoint|folder|directory|dir)$/;

export function readModelReferences(calls: readonly Node[], folder: PathFolder): FileReference[] {
  return calls.flatMap((node) => {
    const call = readCall(node);
    const known = call?.callee ? knownCalls.find((candidate) => candidate.callee.test(call.callee)) : undefined;
    const reference = call && known && referenceOf(call, known, folder);
    return reference ? [reference] : [];
  });
}

function referenceOf(call: PythonCall, known: KnownCall, folder: PathFolder): FileReference | null {
  let best: { node: Node; path: string } | null = null;
  const places = [
    // What is saved comes before its place; what is loaded is named first, and a device may follow.
    ...call.positional.map((node, at) => ({ node, holdsPath: known.how === "save" || at === 0 })),
    ...[...call.keyword].map(([name, node]) => ({ node, holdsPath: pathKeyword.test(name) })),
  ];
  for (const { node, holdsPath } of places) {
    const path = folder.fold(node);
    if (path === null || !/[\w*]/.test(path)) continue;
    if (isModelPath(path) || isDataPath(path)) {
      best = { node, path };
      break;
    }
    if (holdsPath) best ??= { node, path };
  }
  if (!best) return null;
  const named = isModelPath(best.path) || isDataPath(best.path);
  // `f"out/*"` says nothing about the file: it would match everything below the folder.
  if (!named && (needsExtension.test(call.callee) ? !isLocalFolder(best.path) : lastPart(best.path.replaceAll("/", ".")) === "*")) return null;
  if (/^[\w]+:\/\//.test(best.path)) return null;
  return {
    ...anchored(best.path),
    range: rangeOf(best.node),
    // np.load of an .npz state dict stays data; torch.load of anything is a model.
    what: known.what,
    how: known.how,
    by: call.callee,
  };
}

/** `from_pretrained("./runs/best")` is a folder; `from_pretrained("gpt2")` is a name on a hub. */
function isLocalFolder(path: string): boolean {
  return /^(\.{0,2}\/|<document>)/.test(path) || /^(runs|out|outputs|checkpoints|models|artifacts|weights)\//.test(path);
}

/** Splits `<document>/../x.pt` into its anchor and path. */
function anchored(path: string): { path: string; anchor: FileReference["anchor"] } {
  const clean = path.replace(/^file:\/\//, "");
  if (clean.startsWith(documentFolder)) return { path: clean.slice(documentFolder.length).replace(/^\/+/, "") || ".", anchor: "document" };
  return { path: clean, anchor: /^([A-Za-z]:)?\//.test(clean) ? "absolute" : "relative" };
}
