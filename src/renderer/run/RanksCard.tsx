import { Card } from '@mantine/core'
import { useMemo } from 'react'
import type { LayerRow, RunProof } from '../../shared/contract/proof'
import { rankSentence, rankSettings } from '../../shared/rankWords'
import { ChartFrame } from '../charts/ChartFrame'
import { LinePlot } from '../charts/LinePlot'
import { usePalette } from '../charts/palette'
import { saveFile } from '../components/saveFile'
import { chosenVariants, rankSeries, rankTable } from './rankSeries'
import { VariantSentences } from './VariantSentences'

const TITLE = 'Rank of each layer'

/** What became of the rank budgets of a run: the rank of each layer, and what held-out rows said of it. */
export function RanksCard({ run, layers }: { readonly run: RunProof; readonly layers: readonly LayerRow[] }) {
  const palette = usePalette()
  const variants = useMemo(() => chosenVariants(run.variants), [run.variants])
  const { series, marks } = useMemo(() => rankSeries(variants, layers, palette), [variants, layers, palette])
  if (variants.length === 0) return null
  return (
    <Card withBorder padding="md" data-testid="ranks">
      <ChartFrame
        title={TITLE}
        term="rankBudget"
        unit="layers in the order in which the model runs them; dashes: the rank that would take as many parameters everywhere"
        fileName={`ranks-${run.id}`}
        table={rankTable(variants, layers)}
        onSave={saveFile}
      >
        {(width) => (
          <LinePlot
            width={width}
            label={TITLE}
            series={series}
            marks={marks}
            xLabel="layer"
            yLabel="rank"
            formatX={(value) => String(Math.round(value))}
            formatY={(value) => String(Math.round(value))}
          />
        )}
      </ChartFrame>
      <VariantSentences
        sentences={variants.map(({ name, rank, ranks }) => ({
          name,
          sentence: `${name}: ${rankSentence(ranks, rank)}.`,
          settings: rankSettings(ranks)
        }))}
      />
    </Card>
  )
}
