/**
 * The name of a linear within its block: `mlp.up_proj` of `model.layers.2.mlp.up_proj`. The whole path where there is no
 * number in it.
 */
export function nameInBlock(path: string): string {
  const match = /(?:^|\.)\d+\.(.+)$/.exec(path)
  return match?.[1] ?? path
}
