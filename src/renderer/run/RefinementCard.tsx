import { Card } from '@mantine/core'
import { useMemo } from 'react'
import type { RunProof } from '../../shared/contract/proof'
import { divergenceText, refinementSettings } from '../../shared/refinementWords'
import { ChartFrame } from '../charts/ChartFrame'
import { LinePlot } from '../charts/LinePlot'
import { usePalette } from '../charts/palette'
import { saveFile } from '../components/saveFile'
import { refinedVariants, refinementCurves, refinementTable, refinementText } from './refinementCurves'
import { VariantSentences } from './VariantSentences'

const TITLE = 'Refinement: divergence on held-out rows'

/** How the refinements of a run went and go: the curves of their held-out rows, and what was kept. */
export function RefinementCard({ run }: { readonly run: RunProof }) {
  const palette = usePalette()
  const variants = useMemo(() => refinedVariants(run.variants), [run.variants])
  const { series, marks } = useMemo(() => refinementCurves(variants, palette), [variants, palette])
  if (variants.length === 0) return null
  return (
    <Card withBorder padding="md" data-testid="refinement">
      <ChartFrame
        title={TITLE}
        term="refinement"
        unit="KL divergence from full precision, nats, lower is better; dashes: without an adapter"
        fileName={`refinement-${run.id}`}
        table={refinementTable(variants)}
        onSave={saveFile}
      >
        {(width) => (
          <LinePlot
            width={width}
            label={TITLE}
            series={series}
            marks={marks}
            xLabel="steps"
            yLabel="KL divergence"
            formatX={(value) => String(Math.round(value))}
            formatY={divergenceText}
          />
        )}
      </ChartFrame>
      <VariantSentences
        sentences={variants.map((variant) => ({
          name: variant.name,
          sentence: refinementText(variant),
          settings: refinementSettings(variant.refinement)
        }))}
      />
    </Card>
  )
}
