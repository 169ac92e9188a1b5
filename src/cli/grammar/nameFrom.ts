import type { z } from 'zod'
import { badInput } from '../../shared/errors'
import { quotedText } from '../../shared/quoting'

/**
 * The name that stands on the command line, as the window would take it.
 *
 * @throws {AppError} BAD_INPUT saying what a name has to be
 */
export function nameFrom(schema: z.ZodType<string>, text: string): string {
  const { data, error } = schema.safeParse(text)
  if (data !== undefined) return data
  throw badInput(`NAME: ${error?.issues[0]?.message ?? 'not as expected'}, ${quotedText(text.slice(0, 130))} was given`)
}
