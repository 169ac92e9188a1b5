import { Card } from '@mantine/core'
import { useMemo } from 'react'
import type { LayerRow, RunProof } from '../../shared/contract/proof'
import { BlockStrip, blockStripTable } from '../charts/BlockStrip'
import { ChartFrame } from '../charts/ChartFrame'
import { saveFile } from '../components/saveFile'
import { ofStart, stripCells, stripMax } from './proofData'

interface Props {
  readonly run: RunProof
  readonly layers: readonly LayerRow[]
  readonly variant: string
  readonly current: string | undefined
  readonly onOpen: (layer: string) => void
}

/** Where in the model the error went: a cell for every linear of every block. */
export function StripSection({ run, layers, variant, current, onOpen }: Props) {
  const cells = useMemo(() => stripCells(layers, variant), [layers, variant])
  const max = useMemo(() => stripMax(layers), [layers])
  const blocks = run.planned?.blocks ?? Math.max(0, ...cells.map(({ block }) => block + 1))
  if (blocks === 0) return null
  const start = ofStart(run, variant)
  const title = `Error removed by ${start ? `the start of ${variant}` : variant}, layer by layer`
  return (
    <Card withBorder padding="md">
      <ChartFrame
        title={title}
        term="loss"
        unit={`percent of the calibrated error${start ? ', before refinement' : ''}; a click opens the layer`}
        fileName={`layers-${variant}`}
        table={blockStripTable(cells)}
        onSave={saveFile}
      >
        {(width) => (
          <BlockStrip
            width={width}
            label={title}
            cells={cells}
            blocks={blocks}
            rows={run.planned === null ? undefined : Math.round(run.planned.linears / run.planned.blocks)}
            max={max}
            current={current}
            onOpen={onOpen}
          />
        )}
      </ChartFrame>
    </Card>
  )
}
