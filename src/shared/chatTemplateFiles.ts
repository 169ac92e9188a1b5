/** Where a checkpoint has its chat template. */
export const TEMPLATE_FILE = 'chat_template.jinja'

/** JSON files that may hold one as `chat_template`, where that is not there; the first that has one wins. */
export const TEMPLATE_HOLDERS = [
  'tokenizer_config.json',
  // Processors, as models that see images have them; of the first, as of Idefics 2, transformers reads it there too.
  'processor_config.json',
  'chat_template.json'
]

/** That a model renders no conversations, in words. @param conversations - which ones need it */
export const noChatTemplate = (model: string, conversations: string): string =>
  `${model} has no chat template (${TEMPLATE_FILE}, or chat_template in ${TEMPLATE_HOLDERS.slice(0, -1).join(', ')} or ` +
  `${TEMPLATE_HOLDERS.at(-1)}), which ${conversations} need: add one, or use a set of plain texts`
