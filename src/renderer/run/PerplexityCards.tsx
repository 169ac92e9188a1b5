import { Card, SimpleGrid, Text } from '@mantine/core'
import type { RunProof } from '../../shared/contract/proof'
import { coveredText } from '../../shared/coverage'
import { quantizerResults } from '../../shared/headline'
import type { Perplexities } from '../../shared/runEvents'
import { FEW_TOKENS } from '../../shared/uncertainty'
import { ChartFrame } from '../charts/ChartFrame'
import { PerplexityAxis, perplexityTable } from '../charts/PerplexityAxis'
import { saveFile } from '../components/saveFile'
import { plural } from '../format/numbers'
import { FidelityTable } from './FidelityTable'

interface Props {
  readonly run: RunProof
  readonly variant: string
  readonly onChoose: (variant: string) => void
}

/** One card per evaluation text and quantizer: the gap, and what each variant closes of it. */
export function PerplexityCards({ run, variant, onChoose }: Props) {
  const texts = Object.entries(run.perplexity)
  if (texts.length === 0) {
    if (run.status === 'completed' || run.evaluation.length === 0) return null
    return (
      <Text size="sm" c="dimmed">
        Perplexity on {plural(run.evaluation.length, 'text')} is measured at the end.
      </Text>
    )
  }
  const cards = texts.flatMap(([text, measured]) => {
    const results = quantizerResults(measured, run.variants)
    return results.map((result) => ({ text, size: sizeText(measured), result, several: results.length > 1 }))
  })
  return (
    <SimpleGrid cols={{ base: 1, xl: cards.length > 1 ? 2 : 1 }}>
      {cards.map(({ text, size, result, several }) => {
        const title = `Perplexity on ${text}${several ? `, ${result.label}` : ''}`
        return (
          <Card key={title} withBorder padding="md">
            <ChartFrame
              title={title}
              term="perplexity"
              unit={`lower is better; ${size}`}
              fileName={`perplexity-${text.replace(/\.\w+$/, '')}${several ? `-${result.quantizer}` : ''}`}
              table={perplexityTable(result)}
              onSave={saveFile}
            >
              {(width) => (
                <PerplexityAxis width={width} label={title} result={result} current={variant} onChoose={onChoose} />
              )}
            </ChartFrame>
            <FidelityTable
              result={result}
              current={variant}
              label={`Figures on ${text}${several ? `, ${result.label}` : ''}`}
            />
          </Card>
        )
      })}
    </SimpleGrid>
  )
}

/** How much was measured; few tokens say little. */
function sizeText({ tokens, statistics, coverage }: Perplexities): string {
  const rows = statistics === undefined ? '' : ` in ${plural(statistics.rows, 'row')}`
  const covered = coverage === undefined ? '' : `; ${coveredText(coverage)}`
  return `${plural(tokens, 'token')}${rows}${tokens < FEW_TOKENS ? ', which are few' : ''}${covered}`
}
