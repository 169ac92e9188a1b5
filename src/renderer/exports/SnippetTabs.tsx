import { Button, Group, Tabs } from '@mantine/core'
import { IconDeviceFloppy } from '@tabler/icons-react'
import { useState } from 'react'
import type { Snippet, Trainer } from '../../shared/exports'
import { call } from '../api/desktop'
import { CodeBlock } from '../components/CodeBlock'
import { CopyButton } from '../components/CopyButton'
import { notifyDone, notifyError } from '../components/notify'

/** A starting point for each trainer, to copy or to save. */
export function SnippetTabs({ snippets }: { readonly snippets: readonly Snippet[] }) {
  const [trainer, setTrainer] = useState<Trainer>('peft')
  return (
    <Tabs value={trainer} onChange={(value) => value !== null && setTrainer(value as Trainer)} keepMounted={false}>
      <Tabs.List>
        {snippets.map(({ trainer: name, title }) => (
          <Tabs.Tab key={name} value={name}>
            {title}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {snippets.map((snippet) => (
        <Tabs.Panel key={snippet.trainer} value={snippet.trainer} pt="sm">
          <Group gap="xs" mb="xs">
            <CopyButton value={snippet.text} label={`Copy for ${snippet.title}`} />
            <Button
              size="xs"
              variant="default"
              leftSection={<IconDeviceFloppy size={14} aria-hidden />}
              onClick={() => void save(snippet)}
            >
              Save {snippet.fileName}…
            </Button>
          </Group>
          <CodeBlock label={`Snippet for ${snippet.title}`} maxHeight={420}>
            {snippet.text}
          </CodeBlock>
        </Tabs.Panel>
      ))}
    </Tabs>
  )
}

async function save({ fileName, text }: Snippet): Promise<void> {
  try {
    const path = await call('app.save', { name: fileName, content: text })
    if (path !== null) notifyDone(`Saved as ${path}`)
  } catch (error) {
    notifyError('The snippet was not saved', error)
  }
}
