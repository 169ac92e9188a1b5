import { Table, Text, VisuallyHidden } from '@mantine/core'
import { alikeSentences, type QuantizerResult } from '../../shared/headline'
import type { Fidelity } from '../../shared/runEvents'
import { Sentence } from '../components/Sentence'
import { gapEstimate } from '../format/gapText'
import { formatEstimate, formatShareEstimate } from '../format/numbers'
import { Term } from '../glossary/Term'
import classes from './FidelityTable.module.css'

interface Props {
  readonly result: QuantizerResult<{ readonly name: string }>
  /** The variant that the page is about. */
  readonly current: string
  readonly label: string
}

/** The figures under a chart of perplexities, each with its standard error, and what the rows do not tell apart. */
export function FidelityTable({ result, current, label }: Props) {
  const { fullPrecision, quantized, fullStatistics, baseStatistics, variants } = result
  if (baseStatistics === undefined) return null
  return (
    <>
      <Table.ScrollContainer minWidth={430} mt="sm">
        <Table aria-label={label} className={`num ${classes.table}`} verticalSpacing={3} horizontalSpacing={8}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>
                <VisuallyHidden>Variant</VisuallyHidden>
              </Table.Th>
              <Table.Th>
                <Term name="perplexity" focusable>
                  Perplexity
                </Term>
              </Table.Th>
              <Table.Th>
                <Term name="gap closed" focusable>
                  Gap closed
                </Term>
              </Table.Th>
              <Table.Th>
                <Term name="KL divergence" focusable>
                  KL divergence
                </Term>
              </Table.Th>
              <Table.Th>
                <Term name="same top token" focusable>
                  Same top token
                </Term>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            <Table.Tr>
              <Table.Td>full precision</Table.Td>
              <Table.Td>{formatEstimate(fullPrecision, fullStatistics?.standardError)}</Table.Td>
              <Table.Td />
              <Table.Td />
              <Table.Td />
            </Table.Tr>
            <Line name="quantized" perplexity={quantized} fidelity={baseStatistics} />
            {variants.map((figures) => (
              <Line
                key={figures.variant.name}
                name={figures.variant.name}
                perplexity={figures.perplexity}
                fidelity={figures.statistics}
                gap={gapEstimate(result, figures)}
                current={figures.variant.name === current}
              />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Alike result={result} />
    </>
  )
}

interface LineProps {
  readonly name: string
  readonly perplexity: number
  readonly fidelity: Fidelity | undefined
  readonly gap?: string
  readonly current?: boolean
}

function Line({ name, perplexity, fidelity, gap = '', current = false }: LineProps) {
  return (
    <Table.Tr data-current={current || undefined}>
      <Table.Td>{name}</Table.Td>
      <Table.Td>{formatEstimate(perplexity, fidelity?.standardError)}</Table.Td>
      <Table.Td>{gap}</Table.Td>
      <Table.Td>
        {fidelity && formatEstimate(fidelity.klDivergence.mean, fidelity.klDivergence.standardError, 3)}
      </Table.Td>
      <Table.Td>
        {fidelity && formatShareEstimate(fidelity.sameTopToken.share, fidelity.sameTopToken.standardError)}
      </Table.Td>
    </Table.Tr>
  )
}

/** What the rows do not tell apart, and what the figures behind ± are. */
function Alike({ result }: Pick<Props, 'result'>) {
  const alike = alikeSentences(result, 'quantized')
  return (
    <Text size="xs" c="dimmed" mt={4} style={{ overflowWrap: 'anywhere' }}>
      ± is one{' '}
      <Term name="standard error" focusable>
        standard error
      </Term>{' '}
      over rows; the thin lines above are two, of the distance to quantized.
      {alike.length > 0 && (
        <>
          {' '}
          <Term name="not distinguishable" focusable>
            Not distinguishable
          </Term>
          : <Sentence>{`${alike.join('; ')}.`}</Sentence>
        </>
      )}
    </Text>
  )
}
