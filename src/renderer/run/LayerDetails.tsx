import { Stack, Table, Text, UnstyledButton } from '@mantine/core'
import type { RunProof } from '../../shared/contract/proof'
import type { RunLayer } from '../../shared/contract/runs'
import { lossRemoved, relativeErrors } from '../../shared/proof'
import { LAYERS_OF_START } from '../../shared/refinementWords'
import { BarList } from '../charts/BarList'
import { ChartFrame } from '../charts/ChartFrame'
import { Histogram, histogramTable } from '../charts/Histogram'
import { methodColor, usePalette } from '../charts/palette'
import { RankCurveFrame } from '../charts/RankCurveFrame'
import { saveFile } from '../components/saveFile'
import { formatCount, formatNumber, formatPercent, formatShare } from '../format/numbers'
import { Term } from '../glossary/Term'
import { layerCurves } from './layerCurves'
import { nameInBlock } from './layerNames'
import { layersName, ofStart } from './proofData'

interface Props {
  readonly run: RunProof
  /** One per variant. */
  readonly results: readonly RunLayer[]
  readonly variant: string
  readonly onVariant: (variant: string) => void
}

/** What is known of one linear: error against rank, errors of every variant, their spread, the inputs that matter. */
export function LayerDetails({ run, results, variant, onVariant }: Props) {
  const palette = usePalette()
  const shown = results.find((one) => one.variant === variant) ?? (results[0] as RunLayer)
  const { name, shape } = shown.result
  const file = nameInBlock(name)
  const { series, marks } = layerCurves(run.variants, results, palette)
  return (
    <Stack gap="xl">
      <ErrorsTable run={run} results={results} variant={shown.variant} onVariant={onVariant} />
      {results.some((one) => ofStart(run, one.variant)) && (
        <Text size="xs" c="dimmed" mt={-16}>
          {LAYERS_OF_START}
        </Text>
      )}
      <RankCurveFrame
        unit={`${shape.join(' × ')}; drag to zoom`}
        fileName={`rank-${name}`}
        label={`Calibrated error of ${file} left after each rank`}
        series={series}
        marks={marks}
      />
      <Text size="xs" c="dimmed" mt={-16}>
        The line is the best that any adapter of that rank can do, from the eigenvalues of E H Eᵀ; marks are what the
        variants reached, as stored. Dashes: what larger ranks leave at least.
      </Text>
      <SpreadCharts run={run} shown={shown} />
    </Stack>
  )
}

interface SpreadProps {
  readonly run: RunProof
  readonly shown: RunLayer
}

/** Which rows were counted, where not all were. */
function countedRows({ shape: [rows, columns] }: RunLayer['result'], counts: readonly number[]): string {
  const counted = counts.reduce((sum, count) => sum + count, 0) / columns
  return counted < rows ? `, in ${formatCount(counted)} of ${formatCount(rows)} rows` : ''
}

/** How the errors of the weights spread before and after, and which inputs matter most. */
function SpreadCharts({ run, shown }: SpreadProps) {
  const palette = usePalette()
  const { name, errors, channels } = shown.result
  const method = run.variants.find((one) => one.name === shown.variant)?.method ?? ''
  const file = nameInBlock(name)
  if (errors === undefined || channels === undefined) {
    return (
      <Text size="sm" c="dimmed">
        This run was made by an older version, which did not record the errors' spread and the input channels.
      </Text>
    )
  }
  return (
    <>
      <ChartFrame
        title={`Weight errors before and after ${layersName(run, shown.variant)}`}
        unit={`E = W − Q and what the adapter leaves${countedRows(shown.result, errors.before)}`}
        fileName={`errors-${name}-${shown.variant}`}
        table={histogramTable(errors)}
        onSave={saveFile}
      >
        {(width) => (
          <Histogram
            width={width}
            label={`Weight errors of ${file} before and after`}
            figures={errors}
            color={methodColor(palette, method)}
            xLabel="error of a weight; the outermost bins hold what lies beyond"
          />
        )}
      </ChartFrame>
      <ChartFrame
        title="Input channels with the most energy"
        unit="second moment on the calibration text; times the mean"
        fileName={`channels-${name}`}
        table={{
          columns: ['channel', 'second moment', 'times the mean'],
          rows: channels.top.map(({ index, value }) => [index, value, value / channels.mean])
        }}
        onSave={saveFile}
      >
        {(width) => (
          <BarList
            width={width}
            label={`Input channels of ${file} with the most energy`}
            bars={channels.top.map(({ index, value }) => ({
              label: `channel ${index}`,
              value,
              note: channels.mean > 0 ? `${formatNumber(value / channels.mean, 3)} ×` : ''
            }))}
          />
        )}
      </ChartFrame>
    </>
  )
}

type ErrorsProps = Pick<Props, 'run' | 'results' | 'variant' | 'onVariant'>

/** A number stays with its unit. */
const WHOLE = { whiteSpace: 'nowrap' } as const

/** Calibrated and plain errors of every variant on this layer; a click shows one below. */
function ErrorsTable({ run, results, variant, onVariant }: ErrorsProps) {
  const { before, plainBefore } = relativeErrors((results[0] as RunLayer).result)
  return (
    <Table fz="xs" verticalSpacing={4} horizontalSpacing={8} className="num" aria-label="Errors of every variant">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Variant</Table.Th>
          <Table.Th ta="right">
            <Term name="loss" focusable>
              Calibrated
            </Term>
          </Table.Th>
          <Table.Th ta="right">Removed</Table.Th>
          <Table.Th ta="right">bfloat16</Table.Th>
          <Table.Th ta="right">Plain</Table.Th>
          <Table.Th ta="right">
            <Term name="certificate" focusable>
              Certificate
            </Term>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        <Table.Tr>
          <Table.Td c="dimmed">quantized</Table.Td>
          <Table.Td ta="right" style={WHOLE}>
            {formatShare(before)}
          </Table.Td>
          <Table.Td />
          <Table.Td />
          <Table.Td ta="right" style={WHOLE}>
            {formatShare(plainBefore)}
          </Table.Td>
          <Table.Td />
        </Table.Tr>
        {results.map(({ variant: name, result }) => {
          const { after, afterBfloat16, plainAfter } = relativeErrors(result)
          const removed = lossRemoved(result)
          return (
            <Table.Tr key={name} bg={name === variant ? 'var(--mantine-color-default-hover)' : undefined}>
              <Table.Td>
                <UnstyledButton
                  fz="xs"
                  style={{ overflowWrap: 'anywhere' }}
                  fw={name === variant ? 600 : 400}
                  aria-pressed={name === variant}
                  onClick={() => onVariant(name)}
                >
                  {layersName(run, name)}
                </UnstyledButton>
              </Table.Td>
              <Table.Td ta="right" style={WHOLE}>
                {formatShare(after)}
              </Table.Td>
              <Table.Td ta="right" style={WHOLE}>
                {removed === undefined ? '–' : formatPercent(removed)}
              </Table.Td>
              <Table.Td ta="right" style={WHOLE}>
                {formatShare(afterBfloat16)}
              </Table.Td>
              <Table.Td ta="right" style={WHOLE}>
                {formatShare(plainAfter)}
              </Table.Td>
              <Table.Td ta="right" style={WHOLE}>
                {formatNumber(result.certificate)}
              </Table.Td>
            </Table.Tr>
          )
        })}
      </Table.Tbody>
    </Table>
  )
}
