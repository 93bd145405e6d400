/** @file What every tokenizer gives: text to token ids and back. Read from local files only; nothing in them is executed. */

export interface TextTokenizer {
  /** "tokenizer.json" | "vocab.json and merges.txt" | "llama2.c tokenizer" */
  readonly format: string;
  /** One more than the largest id. */
  readonly vocabulary: number;
  /** Token that stands before every document by convention, such as "<s>" or "<|endoftext|>"; null when the vocabulary has none. */
  readonly documentStart: string | null;
  /** No special tokens are added. @throws FormatError when the vocabulary cannot write the text. */
  encode(text: string): readonly number[];
  /** The inverse of `encode` for all text that the tokenizer does not normalise. @throws FormatError for an id outside the vocabulary. */
  decode(ids: readonly number[]): string;
  /** Id of a token as the file spells it, or null. */
  idOf(token: string): number | null;
  /** A token as people read it: its text, spaces as they are, or its spelling in the file when it is no text of its own. */
  tokenText(id: number): string;
}
