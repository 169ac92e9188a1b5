import { AppShell, Group, Text, Title } from '@mantine/core'
import { useAppInfo } from './api/useAppInfo'
import { WelcomePage } from './welcome/WelcomePage'

export function App() {
  const info = useAppInfo()
  return (
    <AppShell header={{ height: 56 }} padding="xl">
      <AppShell.Header px="xl">
        <Group h="100%" gap="sm" align="baseline" pt="sm">
          <Title order={1} size="h3">
            {info?.name ?? 'Quail'}
          </Title>
          {info !== undefined && (
            <Text c="dimmed" size="sm">
              version {info.version}
            </Text>
          )}
        </Group>
      </AppShell.Header>
      <AppShell.Main>
        <WelcomePage />
      </AppShell.Main>
    </AppShell>
  )
}
