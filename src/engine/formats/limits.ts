/*
 * Every cap on what a file may claim. A cap stops a damaged or hostile file before it costs memory; each is far above
 * what any published model needs, and says so.
 */

/** Header of a safetensors file: the reference implementation's own limit, on reading and on writing. */
export const MAX_HEADER_BYTES = 100_000_000

/** Tensors of one checkpoint or adapter. The largest mixture-of-experts models have about 100,000. */
export const MAX_TENSORS = 250_000

/** Dimensions of one tensor. NumPy stops at 64; weights have at most 5. */
export const MAX_DIMENSIONS = 64

/** Nesting of the JSON in a header, which needs 3; the reference's JSON parser stops at 128. */
export const MAX_JSON_DEPTH = 128

/** Values in the JSON of a header or an index: about eight for a tensor, with its shape and its place. */
export const MAX_JSON_VALUES = 2_000_000

/** Digits of one number in a header. 2⁵³ − 1, the largest offset that is accepted, has 16. */
export const MAX_NUMBER_CHARACTERS = 64

/** config.json, adapter_config.json and the like: a few KiB; a classifier's label table may take one MiB. */
export const MAX_CONFIG_BYTES = 16 * 2 ** 20

/** Heads of any kind in one layer, for each of which graphs have parts: published models have up to 128. */
export const MAX_HEADS = 4096

/** model.safetensors.index.json: about 100 bytes per tensor. */
export const MAX_INDEX_BYTES = 50_000_000

/** tokenizer.json: 35 MB for the largest vocabularies in use (262,144 pieces with merges). */
export const MAX_TOKENIZER_BYTES = 256 * 2 ** 20

/** One chat template: those with tools for several roles have about 20 kB. */
export const MAX_CHAT_TEMPLATE_BYTES = 2 ** 20

/** Chat templates of one checkpoint; published ones have up to four. */
export const MAX_CHAT_TEMPLATES = 64

/** README.md, of which only the front matter at its beginning is looked at: model cards have up to some 100 kB. */
export const MAX_README_BYTES = 4 * 2 ** 20

/** Shards of one checkpoint: the file name has five digits. */
export const MAX_SHARDS = 99_999

/** Entries of a torch file, one for each storage: a shard has some thousands. */
export const MAX_ZIP_ENTRIES = 200_000

/** Directory of a torch file: about 80 bytes for each entry. */
export const MAX_ZIP_DIRECTORY_BYTES = 64 * 2 ** 20

/** Pickle of a torch file: about 200 bytes for each tensor. */
export const MAX_PICKLE_BYTES = 64 * 2 ** 20

/** Values that a pickle makes and remembers: about 20 for each tensor. */
export const MAX_PICKLE_VALUES = 4_000_000

/** Values on the stack of a pickle: torch writes a dictionary in pieces of 1,000 entries, two values each. */
export const MAX_PICKLE_STACK = 65_536

/** Nesting of a pickle, which needs 4. */
export const MAX_PICKLE_MARKS = 128

/** One text in a pickle: names of tensors have some 100 bytes. */
export const MAX_PICKLE_TEXT_BYTES = 65_536

/** Bytes of weights that are read by one call: large enough for the disk, small enough to stay out of the way. */
export const READ_PIECE_BYTES = 4 * 2 ** 20

/** JSON of the state of one quantized weight: seven short fields. */
export const MAX_QUANT_STATE_BYTES = 65_536
