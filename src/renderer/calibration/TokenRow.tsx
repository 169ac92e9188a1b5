import { Box, Code, Group, Paper, SegmentedControl, Stack, Text, Tooltip } from '@mantine/core'
import { useState } from 'react'
import type { TokenPreview } from '../../shared/tokenPreview'
import { CopyButton } from '../components/CopyButton'
import { formatCount } from '../format/numbers'
import classes from './TokenRow.module.css'

type Shown = 'tokens' | 'text'

/** A row token by token: special tokens, pads and what H leaves out marked, ids on hover; or as one text. */
export function TokenRow({ preview }: { readonly preview: TokenPreview }) {
  const [shown, setShown] = useState<Shown>('tokens')
  const pads = preview.tokens.filter(({ pad }) => pad).length
  const leftOut = preview.tokens.filter((token) => token.leftOut !== null).length
  const special = preview.tokens.filter((token) => token.special && !token.pad).length
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <SegmentedControl
          size="xs"
          aria-label="Show the row as"
          data={[
            { value: 'tokens', label: 'Tokens' },
            { value: 'text', label: 'Text' }
          ]}
          value={shown}
          onChange={(value) => setShown(value as Shown)}
        />
        <Group gap="md">
          <Legend kind="special" label={`special token (${formatCount(special)})`} />
          {leftOut > 0 && <Legend kind="left-out" label={`not counted (${formatCount(leftOut)})`} />}
          <Legend kind="pad" label={`pad, masked (${formatCount(pads)})`} />
          <CopyButton value={preview.text} label="Copy text" />
        </Group>
      </Group>
      <Paper withBorder p="sm">
        {shown === 'text' ? (
          <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {preview.text}
          </Code>
        ) : (
          <Box component="ol" className={classes.tokens} aria-label={`Tokens of row ${preview.row + 1}`}>
            {preview.tokens.map((token, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a token is its place in the row
              <TokenChip key={index} index={index} token={token} />
            ))}
          </Box>
        )}
      </Paper>
    </Stack>
  )
}

function TokenChip({ token, index }: { readonly token: Token; readonly index: number }) {
  const kind = kindOf(token)
  const note = `${token.special && !token.pad ? ', special token' : ''}${whyNotCounted(token)}`
  return (
    <Tooltip label={`position ${index + 1}, id ${token.id}${note}`} openDelay={200}>
      <Box
        component="li"
        className={classes.token}
        data-kind={kind}
        data-break={token.text.includes('\n') || undefined}
      >
        {visible(token.text)}
      </Box>
    </Tooltip>
  )
}

type Token = TokenPreview['tokens'][number]

function kindOf({ pad, leftOut, special }: Token): string {
  if (pad) return 'pad'
  if (leftOut !== null) return 'left-out'
  return special ? 'special' : 'plain'
}

const REASONS = {
  prompt: ', prompt: not counted in H',
  response: ', response: not counted in H',
  first: ', first token of the row: not counted in H'
} as const

function whyNotCounted({ pad, leftOut }: Token): string {
  if (pad) return ', pad: masked, counted nowhere'
  return leftOut === null ? '' : REASONS[leftOut]
}

function Legend({ kind, label }: { readonly kind: string; readonly label: string }) {
  return (
    <Group gap={6}>
      <Box className={classes.token} data-kind={kind} aria-hidden w={14} h={14} />
      <Text size="xs">{label}</Text>
    </Group>
  )
}

/** White space is part of a token, and has to be seen. */
const visible = (text: string): string => text.replaceAll(' ', '·').replaceAll('\n', '↵').replaceAll('\t', '→') || '∅'
