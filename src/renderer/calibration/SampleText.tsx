import { Badge, Group, Paper, Spoiler, Stack, Text } from '@mantine/core'
import type { SetKind } from '../../shared/samples'
import { shownTurns } from './shownTurns'

interface Props {
  readonly label: string
  readonly text: string
  readonly kind: SetKind
}

/** One sample as people read it: a text as it stands, a conversation turn by turn. */
export function SampleText({ label, text, kind }: Props) {
  const turns = kind === 'messages' ? shownTurns(text) : undefined
  return (
    <Paper withBorder p="sm" component="article" aria-label={label}>
      <Text size="xs" c="dimmed" className="num" mb={4}>
        {label}
      </Text>
      <Spoiler maxHeight={160} showLabel="Show all" hideLabel="Show less">
        {turns === undefined ? (
          <PlainText text={text} />
        ) : (
          <Stack gap="xs">
            {turns.map(({ role, text: content }, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the turns of a sample never move
              <Group key={index} align="flex-start" wrap="nowrap" gap="xs">
                <Badge variant="default" tt="none" miw={84}>
                  {role}
                </Badge>
                <PlainText text={content} />
              </Group>
            ))}
          </Stack>
        )}
      </Spoiler>
    </Paper>
  )
}

const PlainText = ({ text }: { readonly text: string }) => (
  <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
    {text}
  </Text>
)
