import { Card, SimpleGrid, Text } from '@mantine/core'
import type { RunProof } from '../../shared/contract/proof'
import { ChartFrame } from '../charts/ChartFrame'
import { PerplexityAxis, perplexityTable } from '../charts/PerplexityAxis'
import { saveFile } from '../components/saveFile'
import { plural } from '../format/numbers'
import { perplexityFigures } from './proofData'

interface Props {
  readonly run: RunProof
  readonly variant: string
  readonly onChoose: (variant: string) => void
}

/** One card per evaluation text: the gap, and what each variant closes of it. */
export function PerplexityCards({ run, variant, onChoose }: Props) {
  const texts = Object.entries(run.perplexity)
  if (texts.length === 0) {
    if (run.status === 'completed' || run.evaluation.length === 0) return null
    return (
      <Text size="sm" c="dimmed">
        Perplexity on {plural(run.evaluation.length, 'text')} follows after the last block.
      </Text>
    )
  }
  return (
    <SimpleGrid cols={{ base: 1, lg: texts.length > 1 ? 2 : 1 }}>
      {texts.map(([text, measured]) => {
        const figures = perplexityFigures(measured, run.variants)
        const title = `Perplexity on ${text}`
        return (
          <Card key={text} withBorder padding="md">
            <ChartFrame
              title={title}
              unit={`${plural(measured.tokens, 'token')}, lower is better`}
              fileName={`perplexity-${text.replace(/\.\w+$/, '')}`}
              table={perplexityTable(figures)}
              onSave={saveFile}
            >
              {(width) => (
                <PerplexityAxis width={width} label={title} figures={figures} current={variant} onChoose={onChoose} />
              )}
            </ChartFrame>
          </Card>
        )
      })}
    </SimpleGrid>
  )
}
