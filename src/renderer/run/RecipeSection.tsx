import { Button, Code, Group, ScrollArea, Stack } from '@mantine/core'
import { IconDownload, IconRefresh } from '@tabler/icons-react'
import { useLocation } from 'wouter'
import type { RunProof } from '../../shared/contract/proof'
import { CopyButton } from '../components/CopyButton'
import { saveFile } from '../components/saveFile'
import { FoldedSection } from './FoldedSection'

/** The recipe as the command line reads it. */
export function RecipeSection({ run }: { readonly run: RunProof }) {
  const [, navigate] = useLocation()
  return (
    <FoldedSection name="Recipe" hint="everything that decides the result">
      <Stack gap="sm">
        <Group gap="xs">
          <CopyButton value={run.recipeText} label="Copy recipe" />
          <Button
            size="xs"
            variant="default"
            leftSection={<IconDownload size={14} aria-hidden />}
            onClick={() => void saveFile({ name: `${run.title}.yaml`, content: run.recipeText })}
          >
            Save as file
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconRefresh size={14} aria-hidden />}
            onClick={() => navigate(`/new?recipe=${encodeURIComponent(run.id)}`)}
          >
            Run again with changes
          </Button>
        </Group>
        <ScrollArea.Autosize mah={420} viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': 'Recipe' }}>
          <Code block>{run.recipeText}</Code>
        </ScrollArea.Autosize>
      </Stack>
    </FoldedSection>
  )
}
