import { z } from 'zod'
import { skipArgument } from './keptLinears'

/** What of a mixture of experts stays in full precision. */
export const ExpertsNote = z.object({
  count: z.int().describe('experts of a block'),
  perToken: z.int().describe('experts that a token is routed to'),
  quantizedRouter: z.string().optional().describe('the router, where it is a linear and quantized as any other'),
  unreachedRouter: z
    .boolean()
    .optional()
    .describe('whether PEFT takes that linear for another, so that it is not repaired'),
  unquantized: z.array(z.string()).readonly().describe('modules of a block that stay in full precision'),
  quantizedIn4: z.boolean().describe('whether transformers 4, whose experts are linears, quantizes these too'),
  quantizedRouterIn4: z.boolean().optional().describe('whether transformers 4 quantizes the router, but no experts'),
  routerFailsIn4: z
    .boolean()
    .optional()
    .describe('whether transformers 4 quantizes the router, and its model then fails')
})
export type ExpertsNote = Readonly<z.infer<typeof ExpertsNote>>

/** Last names of what transformers 4 has to be told to leave alone there. */
const ROUTER_SKIPPED = ['lm_head', 'router']

/** In a few words. */
export const expertsText = ({ count, perToken }: ExpertsNote): string =>
  `${count} experts in a block, ${perToken} for each token`

/** What is quantized and repaired, and for which trainer that holds, as a sentence. */
export const expertsSentence = ({
  unquantized,
  quantizedRouter: router,
  unreachedRouter,
  quantizedIn4,
  quantizedRouterIn4,
  routerFailsIn4
}: ExpertsNote): string =>
  `${router === undefined ? 'experts and router' : 'experts'} (${unquantized.join(', ')} of each block) stay in full precision, ` +
  'as transformers 5 with bitsandbytes leaves them, and ' +
  `${router === undefined ? 'only the other linears' : `the linears, ${router} among them,`} are quantized${unreachedRouter ? `, and all but ${router} and others that PEFT does not reach repaired` : ' and repaired'}; ` +
  (quantizedIn4
    ? 'transformers 4 quantizes experts and router too, as other trainers may'
    : `${quantizedRouterIn4 ? 'transformers 4 quantizes the router too, and ' : ''}trainers with experts of their own may quantize these too`) +
  ': theirs is another base, whose perplexity was not measured' +
  (routerFailsIn4
    ? `; transformers 4 makes this one with ${skipArgument(ROUTER_SKIPPED)}, without which its model fails`
    : '')
