/** @file Small valid tokenizer files, for tests. */

interface TokenizerJson {
  normalizer: unknown;
  pre_tokenizer: unknown;
  decoder: unknown;
  added_tokens: unknown[];
  model: { type: string; vocab: Record<string, number>; merges: string[]; unk_token?: string | null; byte_fallback?: boolean };
}

/** Characters that stand for the 256 bytes, in the order of the bytes. */
function byteCharacters(): string[] {
  const own = (byte: number): boolean => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(own(byte) ? byte : next++));
}

/** As GPT-2's: the 256 bytes, "ab" (256), " ab" (257) and the added token "<end>" (258). */
export function byteLevelJson(): TokenizerJson {
  const characters = byteCharacters();
  const vocab = Object.fromEntries(characters.map((character, id) => [character, id]));
  const space = characters[0x20]!;
  return {
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    decoder: { type: "ByteLevel", add_prefix_space: true },
    added_tokens: [{ id: 258, content: "<end>", special: true }],
    model: { type: "BPE", vocab: { ...vocab, "ab": 256, [`${space}ab`]: 257 }, merges: ["a b", `${space} ab`] },
  };
}

/** As Llama 2's: <unk>, <s>, </s>, 256 byte tokens, then pieces with U+2581 for the space. */
export function spacedJson(): TokenizerJson {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
  const tokens = ["<unk>", "<s>", "</s>", ...bytes, "\u2581", "a", "b", "ab", "\u2581ab"];
  return {
    normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "\u2581" }, { type: "Replace", pattern: { String: " " }, content: "\u2581" }] },
    pre_tokenizer: null,
    decoder: { type: "Sequence", decoders: [{ type: "Replace", pattern: { String: "\u2581" }, content: " " }, { type: "ByteFallback" }, { type: "Fuse" }, { type: "Strip", content: " ", start: 1, stop: 0 }] },
    added_tokens: [],
    model: { type: "BPE", vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges: ["a b", "\u2581 ab"], unk_token: "<unk>", byte_fallback: true },
  };
}

/** tokenizer.bin of llama2.c: the special tokens, the bytes, then these tokens, later ones with lower scores. */
export function llama2File(tokens: readonly string[], byteToken = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`): Uint8Array {
  const all = ["<unk>", "\n<s>\n", "\n</s>\n", ...Array.from({ length: 256 }, (_, byte) => byteToken(byte)), ...tokens].map((token) => Buffer.from(token));
  const longest = Math.max(...all.map((token) => token.length));
  const head = Buffer.alloc(4);
  head.writeInt32LE(longest);
  const parts = all.flatMap((token, id) => {
    const fields = Buffer.alloc(8);
    fields.writeFloatLE(-id, 0);
    fields.writeInt32LE(token.length, 4);
    return [fields, token];
  });
  return new Uint8Array(Buffer.concat([head, ...parts]));
}
