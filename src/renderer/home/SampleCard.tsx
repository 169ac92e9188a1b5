import { Button, Card, Group, List, Stack, Text, Title } from '@mantine/core'
import { IconFeather, IconPlayerPlay } from '@tabler/icons-react'
import { useLocation } from 'wouter'
import { useAction } from '../api/hooks'
import { useProject } from '../api/useProject'
import { ErrorCard } from '../components/ErrorCard'
import { runAddress } from '../runs/runAddress'

/** The sample project, ready to run in one click; large for who has no run yet. */
export function SampleCard({ compact = false }: { readonly compact?: boolean }) {
  const [, navigate] = useLocation()
  const [, setProject] = useProject()
  const start = useAction('projects.startSample', ({ project, run }) => {
    setProject(project)
    navigate(runAddress(run))
  })
  const button = (
    <Button
      variant={compact ? 'default' : 'filled'}
      size={compact ? 'xs' : 'md'}
      leftSection={<IconPlayerPlay size={16} aria-hidden />}
      loading={start.isPending}
      onClick={() => start.mutate({})}
    >
      Run the sample
    </Button>
  )
  const failure = start.error && <ErrorCard title="The sample could not be started" error={start.error} />
  if (compact) {
    return (
      <Stack gap="sm">
        <Group gap="sm" c="dimmed">
          <Text size="sm">The sample project compares every method on a small model that comes with Quail.</Text>
          {button}
        </Group>
        {failure}
      </Stack>
    )
  }
  return (
    <Card withBorder padding="xl" component="section" aria-label="Sample project">
      <Group align="flex-start" wrap="nowrap" gap="xl">
        <IconFeather size={56} stroke={1.2} color="var(--mantine-primary-color-filled)" aria-hidden />
        <Stack gap="sm" style={{ flex: 1 }}>
          <Title order={2} size="h3">
            See it work in a minute
          </Title>
          <Text>
            Quail comes with a small trained model and public-domain texts. The sample run compares every initialization
            on them, offline:
          </Text>
          <List size="sm" spacing={2}>
            <List.Item>quantizes 28 linears to NF4, exactly as bitsandbytes will,</List.Item>
            <List.Item>solves for LoRA matrices that make up for the damage, layer by layer,</List.Item>
            <List.Item>measures perplexity before and after, and writes PEFT adapters.</List.Item>
          </List>
          <Group>{button}</Group>
          {failure}
        </Stack>
      </Group>
    </Card>
  )
}
