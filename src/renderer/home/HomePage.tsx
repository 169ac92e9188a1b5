import { Card, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import type { ProjectCard } from '../../shared/contract/projects'
import { useCall } from '../api/hooks'
import { PageFrame } from '../components/PageFrame'
import { QueryView } from '../components/QueryView'
import { plural } from '../format/numbers'

export function HomePage() {
  const projects = useCall('projects.list', {})
  return (
    <PageFrame title="Quail" subtitle="A better start for QLoRA fine-tuning, proven on your own text.">
      <QueryView query={projects} failure="The projects could not be read">
        {(found) => (
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
            {found.map((project) => (
              <Project key={project.id} project={project} />
            ))}
          </SimpleGrid>
        )}
      </QueryView>
    </PageFrame>
  )
}

function Project({ project }: { readonly project: ProjectCard }) {
  return (
    <Card withBorder>
      <Stack gap={4}>
        <Title order={2} size="h4">
          {project.name}
        </Title>
        <Text size="sm" c="dimmed">
          {plural(project.runs, 'run')}
        </Text>
      </Stack>
    </Card>
  )
}
