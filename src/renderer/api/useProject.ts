import { useLocalStorage } from '@mantine/hooks'
import type { ProjectCard } from '../../shared/contract/projects'

/** The project that every run without another belongs to; it always exists. */
export const DEFAULT_PROJECT = 'default'

/** Archived projects are out of sight until they are asked for. */
export const inUse = ({ archivedAtMs }: Pick<ProjectCard, 'archivedAtMs'>): boolean => archivedAtMs === null

export const archivedIds = (projects: readonly ProjectCard[]): ReadonlySet<string> =>
  new Set(projects.filter((project) => !inUse(project)).map(({ id }) => id))

/** The project that the window works in; kept over restarts. */
export const useProject = (): readonly [string, (project: string) => void] => {
  const [project, setProject] = useLocalStorage({
    key: 'quail.project',
    defaultValue: DEFAULT_PROJECT,
    getInitialValueInEffect: false
  })
  return [project, setProject]
}
