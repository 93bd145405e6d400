/** @file The node layers of a transformer when the spec names none (method section 1.4). */

/** More outputs than this are too many features for a column of a graph, and their edges would be larger than the model. */
const mostOutputs = 4096;

/**
 * Before attention and before the MLP of every block, before the unembedding, and the output where it is small enough; in the authors'
 * analyses of language models the last node layer is the one before the unembedding, too (method section 1.6). With norms, also between
 * a norm and the attention it feeds, and before the final norm: then every section has a closed form.
 */
export function defaultNodeLayers(blocks: number, outputs: number, normalized: boolean): { names: string[]; notes: string[] } {
  const inBlock = normalized ? ["ln1", "attn_in", "ln2"] : ["ln1", "ln2"];
  const names = [
    ...Array.from({ length: blocks }, (_, block) => inBlock.map((name) => `${name}.${block}`)).flat(), ...(normalized ? ["ln_final"] : []), "unembed",
  ];
  if (outputs <= mostOutputs) return { names: [...names, "output"], notes: [] };
  return { names, notes: [`The output is no node layer unless "nodeLayers" in the spec names it, because it has ${outputs} components.`] };
}
