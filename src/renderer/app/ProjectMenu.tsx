import { Button, Menu, Text } from '@mantine/core'
import { IconCheck, IconChevronDown, IconFolders } from '@tabler/icons-react'
import { useLocation } from 'wouter'
import { useCall } from '../api/hooks'
import { inUse, useProject } from '../api/useProject'

/** The project that new runs belong to, and the way to another. */
export function ProjectMenu() {
  const [project, setProject] = useProject()
  const [, navigate] = useLocation()
  const projects = useCall('projects.list', {}).data ?? []
  const name = projects.find(({ id }) => id === project)?.name ?? 'Default'
  return (
    <Menu position="bottom-start" width={260}>
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          size="sm"
          rightSection={<IconChevronDown size={14} aria-hidden />}
          maw={240}
          title={name}
        >
          <Text span inherit truncate>
            {name}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Project</Menu.Label>
        {projects.filter(inUse).map(({ id, name: label }) => (
          <Menu.Item
            key={id}
            onClick={() => setProject(id)}
            rightSection={id === project ? <IconCheck size={14} aria-label="present project" /> : undefined}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconFolders size={14} aria-hidden />} onClick={() => navigate('/')}>
          All projects…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
