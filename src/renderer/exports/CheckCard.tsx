import { Alert, Anchor, Button, Card, Code, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconShieldCheck } from '@tabler/icons-react'
import { useState } from 'react'
import type { ExportedVariant } from '../../shared/contract/exports'
import type { CopiedAdapter } from '../../shared/exports'
import type { Verification } from '../../shared/plan'
import { optionPairs, provenBase } from '../../shared/quantizerWords'
import { allowedModel } from '../api/allowed'
import { call } from '../api/desktop'
import { useTask } from '../api/hooks'
import { CodeBlock } from '../components/CodeBlock'
import { CopyButton } from '../components/CopyButton'
import { ErrorCard } from '../components/ErrorCard'
import { KeyValues } from '../components/KeyValues'
import { CallProgressBar } from '../components/ProgressBar'
import { capitalized } from '../format/letters'

interface Props {
  readonly run: string
  readonly found: ExportedVariant
  readonly copied: CopiedAdapter | null
}

/** Does the adapter belong on a base: checked here, and the commands that check it elsewhere. */
export function CheckCard({ run, found, copied }: Props) {
  const { fingerprint, checks } = found
  const verify = useTask('exports.verify')
  const [verdict, setVerdict] = useState<Verification>()
  const check = async (model: string | null): Promise<void> => {
    if (model === null && !(await allowedModel(found.model))) return
    setVerdict(await verify.run({ run, variant: found.variant, adapter: copied?.path ?? null, model }))
  }
  const choose = async (): Promise<void> => {
    const [model] = await call('app.pick', { kind: 'model' })
    if (model !== undefined) await check(model)
  }
  return (
    <Card withBorder>
      <Group justify="space-between" align="flex-start" wrap="nowrap">
        <Title order={2} size="h4">
          Check the base
        </Title>
        <Button
          variant="default"
          leftSection={<IconShieldCheck size={16} aria-hidden />}
          loading={verify.running}
          onClick={() => void check(null)}
        >
          Verify
        </Button>
      </Group>
      <Text size="sm" c="dimmed" mb="sm">
        {checks.bitsandbytes === null
          ? 'Says whether a pre-quantized checkpoint is the base that this adapter was made for.'
          : 'Each of these says whether a base, quantized as the trainer will, is the one that this adapter was made for.'}
      </Text>
      <Stack gap="sm">
        {verify.running && (
          <CallProgressBar progress={verify.progress} label="Reading adapter and base" onCancel={verify.cancel} />
        )}
        {verify.error && <ErrorCard title="It could not be verified" error={verify.error} />}
        {verdict && !verify.running && <Verdict verdict={verdict} />}
        <Anchor component="button" type="button" size="sm" ta="left" onClick={() => void choose()}>
          Verify against another base…
        </Anchor>
        {checks.bitsandbytes !== null && (
          <CommandLine
            title="In your trainer's environment, with bitsandbytes 0.50 or newer"
            command={checks.bitsandbytes}
          />
        )}
        <CommandLine title="With Quail, without Python" command={checks.quail} />
        {fingerprint !== null && (
          <SimpleGrid cols={{ base: 1, md: 2 }} mt="xs">
            <KeyValues
              items={[
                ['Format', fingerprint.quantizer],
                ...optionPairs(provenBase(fingerprint)).map(([name, value]) => [capitalized(name), value] as const),
                ['Weights loaded as', fingerprint.dtype]
              ]}
            />
            <KeyValues
              items={[
                ['Codes', <Digest key="codes" value={fingerprint.codes} />],
                ['Absmax', <Digest key="absmax" value={fingerprint.absmax} />]
              ]}
            />
          </SimpleGrid>
        )}
      </Stack>
    </Card>
  )
}

const SIGNS: Readonly<Record<string, string>> = { true: '✓', false: '✗', null: '?' }

/** What was found, check by check. */
function Verdict({ verdict: { fits, complete, summary, checks, notes } }: { readonly verdict: Verification }) {
  return (
    <Alert
      role="status"
      color={fits ? (complete ? 'teal' : 'yellow') : 'orange'}
      variant="light"
      icon={fits && complete ? <IconCheck aria-hidden /> : <IconAlertTriangle aria-hidden />}
      title={fits ? (complete ? 'The adapter fits' : 'Not everything can be checked') : 'The adapter does not fit'}
    >
      <Text size="sm" mb="xs" style={{ overflowWrap: 'anywhere' }}>
        {summary}.
      </Text>
      <KeyValues items={checks.map(({ name, ok, detail }) => [`${SIGNS[String(ok)]} ${name}`, detail] as const)} />
      {notes.map((note) => (
        <Text key={note} size="sm" mt="xs" style={{ overflowWrap: 'anywhere' }}>
          {note}.
        </Text>
      ))}
    </Alert>
  )
}

function CommandLine({ title, command }: { readonly title: string; readonly command: string }) {
  return (
    <div>
      <Text size="sm" mb={4}>
        {title}
      </Text>
      <Group gap="xs" wrap="nowrap" align="flex-start">
        <CodeBlock wrap label={title}>
          {command}
        </CodeBlock>
        <CopyButton compact value={command} label={`Copy command: ${title}`} />
      </Group>
    </div>
  )
}

export function Digest({ value }: { readonly value: string }) {
  return (
    <Group gap={4} wrap="nowrap">
      <Code>{value.slice(0, 16)}…</Code>
      <CopyButton compact value={value} label="Copy digest" />
    </Group>
  )
}
