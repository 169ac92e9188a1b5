import { useMemo } from 'react'
import { useLocation, useSearch } from 'wouter'
import type { RunProof } from '../../shared/contract/proof'
import { runAddress, type ShownOfRun } from '../runs/runAddress'
import { firstVariant } from './proofData'

/**
 * Which variant and which layer the page of a run shows. Both are part of the address, so that back, a restart and a link
 * lead to them; the variant that the run recommends needs no words there.
 */
export function useRunAddress(run: RunProof, layer: string | undefined) {
  const [, navigate] = useLocation()
  const wanted = new URLSearchParams(useSearch()).get('variant')
  const first = firstVariant(run)
  const variant = run.variants.find(({ name }) => name === wanted)?.name ?? first
  return useMemo(() => {
    const unlessFirst = (name: string | undefined) => (name === first ? undefined : name)
    const addressOf = (shown: ShownOfRun): string =>
      runAddress(run.id, { ...shown, variant: unlessFirst(shown.variant) })
    return {
      variant,
      /** Missing where it is the one that the run recommends. */
      chosen: unlessFirst(variant),
      choose: (name: string) => navigate(addressOf({ layer, variant: name }), { replace: true }),
      // From layer to layer is one step back, not as many as there were layers.
      open: (name: string) => navigate(addressOf({ layer: name, variant }), { replace: layer !== undefined }),
      close: () => navigate(addressOf({ variant }))
    }
  }, [run.id, first, layer, navigate, variant])
}
