import { z } from 'zod'

/**
 * The id of a run, a project, a sweep or a model: a name that means itself wherever it stands, also as that of a directory.
 */
export const Id = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/, 'an id is expected: letters, digits, hyphens, dots and underscores')

/** A run's id, or `run/variant`. */
export const RowKey = z
  .string()
  .max(401)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}(\/[^/]+)?$/, 'a run, or run/variant, is expected')
