import { z } from 'zod'

/** What of a mixture of experts stays in full precision. */
export const ExpertsNote = z.object({
  count: z.int().describe('experts of a block'),
  perToken: z.int().describe('experts that a token is routed to'),
  quantizedRouter: z.string().optional().describe('the router, where it is a linear and quantized as any other'),
  unquantized: z.array(z.string()).readonly().describe('modules of a block that stay in full precision'),
  quantizedIn4: z.boolean().describe('whether transformers 4, whose experts are linears, quantizes these too')
})
export type ExpertsNote = Readonly<z.infer<typeof ExpertsNote>>

/** In a few words. */
export const expertsText = ({ count, perToken }: ExpertsNote): string =>
  `${count} experts in a block, ${perToken} for each token`

/** What is quantized and repaired, and for which trainer that holds, as a sentence. */
export const expertsSentence = ({ unquantized, quantizedRouter: router, quantizedIn4 }: ExpertsNote): string =>
  `${router === undefined ? 'experts and router' : 'experts'} (${unquantized.join(', ')} of each block) stay in full precision, ` +
  'as transformers 5 with bitsandbytes leaves them, and ' +
  `${router === undefined ? 'only the other linears' : `the linears, ${router} among them,`} are quantized and repaired; ` +
  (quantizedIn4
    ? 'transformers 4 quantizes experts and router too, as other trainers may'
    : 'trainers with experts of their own may quantize these too') +
  ': theirs is another base, whose perplexity was not measured'
