import { Button, Group, SimpleGrid, Stack, Switch, Title } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { Link } from 'wouter'
import type { ProjectCard as Project } from '../../shared/contract/projects'
import { useCall } from '../api/hooks'
import { PageFrame } from '../components/PageFrame'
import { QueryView } from '../components/QueryView'
import { ImportBundleButton } from '../exports/ImportBundleButton'
import { NewProjectButton } from './NewProjectButton'
import { ProjectCard } from './ProjectCard'
import { RecentRuns } from './RecentRuns'
import { SampleCard } from './SampleCard'

/** Where work goes on: projects with their last result, recent runs; for newcomers, the sample. */
export function HomePage() {
  const projects = useCall('projects.list', {})
  return (
    <PageFrame
      title="Home"
      subtitle="Prepare a model for QLoRA: adapters that start close to full precision, with proof."
      actions={
        <>
          <ImportBundleButton />
          <NewProjectButton />
          <Button component={Link} href="/new" leftSection={<IconPlus size={16} aria-hidden />}>
            New run
          </Button>
        </>
      }
    >
      <QueryView query={projects} failure="The projects could not be read">
        {(found) => <HomeContent projects={found} />}
      </QueryView>
    </PageFrame>
  )
}

function HomeContent({ projects }: { readonly projects: readonly Project[] }) {
  const [archivedShown, setArchivedShown] = useState(false)
  const archived = projects.filter(({ archivedAtMs }) => archivedAtMs !== null)
  const shown = archivedShown ? projects : projects.filter(({ archivedAtMs }) => archivedAtMs === null)
  const hasRuns = projects.some(({ runs }) => runs > 0)
  return (
    <Stack gap="xl">
      {!hasRuns && <SampleCard />}
      <Stack gap="sm" component="section" aria-label="Projects">
        <Group justify="space-between">
          <Title order={2} size="h4">
            Projects
          </Title>
          {archived.length > 0 && (
            <Switch
              size="sm"
              label={`Show archived (${archived.length})`}
              checked={archivedShown}
              onChange={(event) => setArchivedShown(event.currentTarget.checked)}
            />
          )}
        </Group>
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="md">
          {shown.map((project) => (
            <ProjectCard key={project.id} project={project} />
          ))}
        </SimpleGrid>
      </Stack>
      {hasRuns && <RecentRuns />}
      {hasRuns && <SampleCard compact />}
    </Stack>
  )
}
