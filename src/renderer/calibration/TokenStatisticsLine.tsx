import { Group, Text } from '@mantine/core'
import type { TokenPreview } from '../../shared/tokenPreview'
import { formatCount, plural } from '../format/numbers'

interface Props {
  readonly preview: TokenPreview
  readonly context: number
}

/** What the whole set comes to in tokens of this model. */
export function TokenStatisticsLine({
  preview: { statistics, rows, available, tokenCount, refused, printed },
  context
}: Props) {
  const { tokens, lengths } = statistics
  const facts = [
    `${plural(tokens, 'token')} in all`,
    lengths !== null &&
      `Samples of ${formatCount(lengths.min)} to ${formatCount(lengths.max)}, median ${formatCount(lengths.median)}, 95 % up to ${formatCount(lengths.p95)}`,
    refused !== null &&
      `${formatCount(refused.count)} of ${plural(refused.samples, 'conversation')} are left out: ${refused.first}`,
    printed !== null &&
      `In ${formatCount(printed.count)} of ${plural(printed.samples, 'conversation')} the chat template, which reads texts alone, writes a list of parts as Python prints it: ${printed.first}`,
    `They give ${plural(available, 'row')} of ${formatCount(context)}`,
    `A run with 64 rows takes ${formatCount(rows)} of them: ${plural(tokenCount, 'token')}`
  ].filter((fact) => fact !== false)
  return (
    <Group gap="xs">
      {facts.map((fact) => (
        <Text key={fact} size="sm" c="dimmed" className="num">
          {fact}.
        </Text>
      ))}
    </Group>
  )
}
