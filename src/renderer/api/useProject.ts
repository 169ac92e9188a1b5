import { useLocalStorage } from '@mantine/hooks'

/** The project that every run without another belongs to; it always exists. */
export const DEFAULT_PROJECT = 'default'

/** The project that the window works in; kept over restarts. */
export const useProject = (): readonly [string, (project: string) => void] => {
  const [project, setProject] = useLocalStorage({
    key: 'quail.project',
    defaultValue: DEFAULT_PROJECT,
    getInitialValueInEffect: false
  })
  return [project, setProject]
}
