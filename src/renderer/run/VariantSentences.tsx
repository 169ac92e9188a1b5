import { Stack, Text } from '@mantine/core'
import { Sentence } from '../components/Sentence'

interface VariantSentence {
  readonly name: string
  /** What became of the variant. */
  readonly sentence: string
  /** How it was asked for. */
  readonly settings: string
}

/** A sentence for each variant, and below it its settings; long names break. */
export function VariantSentences({ sentences }: { readonly sentences: readonly VariantSentence[] }) {
  return (
    <Stack gap="xs" mt="sm">
      {sentences.map(({ name, sentence, settings }) => (
        <div key={name}>
          <Text size="sm" className="num" style={{ overflowWrap: 'anywhere' }}>
            <Sentence>{sentence}</Sentence>
          </Text>
          <Text size="xs" c="dimmed" className="num">
            {settings}
          </Text>
        </div>
      ))}
    </Stack>
  )
}
