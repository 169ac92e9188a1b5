import { Accordion, Stack, Text, TextInput, Title } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import type { Licence } from '../../shared/settings'
import { useCall } from '../api/hooks'
import { CodeBlock } from '../components/CodeBlock'
import { KeyValues } from '../components/KeyValues'
import { QueryView } from '../components/QueryView'
import { plural } from '../format/numbers'

/** Versions, and the licences of everything that is shipped. */
export function AboutPanel() {
  const info = useCall('app.info', {})
  const licences = useCall('settings.licences', {})
  return (
    <Stack gap="xl" maw={760}>
      <QueryView query={info} failure="The versions could not be read">
        {({ name, version, platform, versions, runtimeProblem }) => (
          <section aria-labelledby="about">
            <Title order={2} size="h4" id="about" mb="xs">
              {name} {version}
            </Title>
            <Text size="sm" mb="sm">
              Prepares language models for QLoRA fine-tuning, offline, on this machine. MIT licence.
            </Text>
            <KeyValues
              items={[
                ['Electron', versions.electron],
                ['Chromium', versions.chrome],
                ['Node', versions.node],
                ['Platform', platform]
              ]}
            />
            {runtimeProblem !== null && (
              <Text size="sm" mt="sm" role="note">
                {runtimeProblem}
              </Text>
            )}
          </section>
        )}
      </QueryView>
      <QueryView query={licences} failure="The licences could not be read">
        {(found) => <Licences licences={found} />}
      </QueryView>
    </Stack>
  )
}

function Licences({ licences }: { readonly licences: readonly Licence[] }) {
  const [query, setQuery] = useState('')
  const found = useMemo(() => {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean)
    return licences.filter(({ name, version, licence }) =>
      words.every((word) => `${name} ${version} ${licence}`.toLowerCase().includes(word))
    )
  }, [licences, query])
  return (
    <section aria-labelledby="licences">
      <Title order={2} size="h4" id="licences" mb="xs">
        Licences
      </Title>
      <TextInput
        aria-label="Search licences"
        placeholder="Package or licence"
        leftSection={<IconSearch size={14} aria-hidden />}
        value={query}
        onChange={(event) => setQuery(event.currentTarget.value)}
        description={`${plural(found.length, 'package')} of ${licences.length}`}
        mb="sm"
        maw={360}
      />
      <Accordion variant="contained" multiple keepMounted={false}>
        {found.map(({ name, version, licence, text }) => (
          <Accordion.Item key={`${name} ${version}`} value={`${name} ${version}`}>
            <Accordion.Control>
              <Text size="sm">
                {name} {version}{' '}
                <Text span c="dimmed" size="sm">
                  {licence}
                </Text>
              </Text>
            </Accordion.Control>
            <Accordion.Panel>
              {text === '' ? (
                <Text size="sm" c="dimmed">
                  The package brings no text; its licence is {licence}.
                </Text>
              ) : (
                <CodeBlock wrap label={`Licence of ${name}`}>
                  {text}
                </CodeBlock>
              )}
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
    </section>
  )
}
