import type { TokenRows } from './rows'

/** The token that each position predicts; −1 where none counts: before a pad or a prompt, and at the end of a row. */
export function nextTokens({ ids, counted, context }: TokenRows): Int32Array {
  const targets = new Int32Array(ids.length).fill(-1)
  for (let i = 0; i < targets.length; i++) {
    const next = i + 1
    if (next % context !== 0 && counted[next] === 1) targets[i] = ids[next] as number
  }
  return targets
}

/** The rows in which a token is predicted that counts. */
export function predictingRows(rows: TokenRows): number[] {
  const targets = nextTokens(rows)
  return Array.from({ length: rows.rows }, (_, row) => row).filter((row) =>
    targets.subarray(row * rows.context, (row + 1) * rows.context).some((target) => target >= 0)
  )
}
