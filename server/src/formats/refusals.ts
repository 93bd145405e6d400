/** @file Files that are recognised but not read, each with the sentence that tells what to do instead. */

const startsWith = (head: Uint8Array, text: string, at = 0): boolean =>
  [...text].every((character, index) => head[at + index] === character.charCodeAt(0));

/** The second half of a sentence about a file with these first bytes, or null when nothing is recognised. */
export function refusal(head: Uint8Array): string | null {
  if (head.length === 0) return "is empty; save the model again";
  if (startsWith(head, "version https://git-lfs")) return "is a Git LFS pointer, not the file itself; run \"git lfs pull\"";
  if (startsWith(head, "\x89HDF")) return "is an HDF5 file (Keras), which is not read; export its weights as safetensors or .npz";
  if (startsWith(head, "GGUF")) return "is a GGUF file, which is not read; use the safetensors it was made from";
  if (startsWith(head, "TFL3", 4)) return "is a TensorFlow Lite file, which is not read; export the weights as safetensors or .npz";
  if (head[0] === 0x1f && head[1] === 0x8b) return "is compressed with gzip; unpack it first";
  if (startsWith(head, "ustar", 257)) return "is a tar archive; unpack it first";
  if (startsWith(head, "{")) return "is a JSON file that lists no weights; name the model file itself";
  if (head[0] === 0x08 && head[1]! < 32 && (head[2] === 0x12 || head[2] === 0x3a)) return "looks like an ONNX file, which is not read; export the weights as safetensors";
  return null;
}
