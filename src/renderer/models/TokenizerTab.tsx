import { Box, Code, Group, ScrollArea, Select, Stack, Text, Title } from '@mantine/core'
import { Fragment, useState } from 'react'
import type { ChatTemplateFacts, Inspection, SpecialToken, TokenizerFacts } from '../../shared/inspection'
import { CopyButton } from '../components/CopyButton'
import { KeyValues } from '../components/KeyValues'
import { formatCount, plural } from '../format/numbers'

/** How texts become tokens, and chats texts. */
export function TokenizerTab({ inspection }: { readonly inspection: Inspection }) {
  const { tokenizer, chatTemplates } = inspection
  return (
    <Stack gap="lg">
      {tokenizer === undefined ? (
        <Text c="dimmed">No tokenizer of this checkpoint can be used; the problems say why.</Text>
      ) : (
        <Facts facts={tokenizer} />
      )}
      <Stack gap="xs">
        <Title order={2} size="h5">
          Chat template
        </Title>
        {chatTemplates.length === 0 ? (
          <Text c="dimmed" size="sm">
            This checkpoint has none: chats cannot be rendered for it, plain texts can be used.
          </Text>
        ) : (
          <Templates templates={chatTemplates} />
        )}
      </Stack>
    </Stack>
  )
}

function Facts({ facts }: { readonly facts: TokenizerFacts }) {
  const named = [
    ['Begin of text', facts.bos],
    ['End of text', facts.eos],
    ['Padding', facts.pad],
    ['Unknown', facts.unknown]
  ] as const
  return (
    <Stack gap="md">
      <KeyValues
        items={[
          ['Kind', `${facts.kind}, ${plural(facts.vocabularySize, 'token')}`],
          ['Normalizer', facts.normalizer ?? 'none'],
          ['Pre-tokenizer', facts.preTokenizer ?? 'none'],
          ['Post-processor', facts.postProcessor ?? 'none'],
          ...named.map(
            ([name, token]) => [name, token === null ? 'none' : <Token key={name} token={token} />] as const
          ),
          ['A text becomes', <Surroundings key="around" facts={facts} />]
        ]}
      />
      {facts.specialTokens.length > 0 && (
        <Stack gap={6}>
          <Title order={2} size="h5">
            {plural(facts.specialTokens.length, 'special token')}
          </Title>
          <Group gap={6}>
            {facts.specialTokens.map((token) => (
              <Token key={token.id} token={token} />
            ))}
          </Group>
        </Stack>
      )}
    </Stack>
  )
}

const Token = ({ token: { text, id } }: { readonly token: SpecialToken }) => (
  <Box component="span" style={{ whiteSpace: 'nowrap' }}>
    <Code>{text}</Code>{' '}
    <Text span size="xs" c="dimmed">
      {formatCount(id)}
    </Text>
  </Box>
)

/** `<s> text </s>`. */
const Surroundings = ({ facts: { before, after } }: { readonly facts: TokenizerFacts }) => (
  <>
    {before.map((token) => (
      <Fragment key={`before ${token.id}`}>
        <Code>{token.text}</Code>{' '}
      </Fragment>
    ))}
    text
    {after.map((token) => (
      <Fragment key={`after ${token.id}`}>
        {' '}
        <Code>{token.text}</Code>
      </Fragment>
    ))}
    {before.length + after.length === 0 && ', with nothing before or after it'}
  </>
)

function Templates({ templates }: { readonly templates: readonly ChatTemplateFacts[] }) {
  const [name, setName] = useState(templates[0]?.name)
  const template = templates.find((one) => one.name === name) ?? templates[0]
  if (template === undefined) return null
  return (
    <Stack gap="xs">
      <Group justify="space-between" align="flex-end">
        <KeyValues
          items={[
            ['File', template.file],
            ['SHA-256', <Code key="sha">{template.sha256}</Code>]
          ]}
        />
        <Group gap="xs">
          {templates.length > 1 && (
            <Select
              size="xs"
              aria-label="Template"
              data={templates.map((one) => one.name)}
              value={template.name}
              allowDeselect={false}
              onChange={(value) => setName(value ?? undefined)}
            />
          )}
          <CopyButton value={template.text} label="Copy template" />
        </Group>
      </Group>
      <ScrollArea.Autosize
        mah={360}
        viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': 'Text of the chat template' }}
      >
        <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {template.text}
        </Code>
      </ScrollArea.Autosize>
    </Stack>
  )
}
