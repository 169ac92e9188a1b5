import { useCall } from '../api/hooks'

export interface FoundGroup {
  readonly label: string
  readonly actions: readonly {
    readonly id: string
    readonly title: string
    readonly detail: string
    readonly to: string
  }[]
}

/** What the palette finds beside pages, while something is typed. */
export function useFoundThings(query: string): readonly FoundGroup[] {
  const asked = query.trim() !== ''
  const projects = useCall('projects.list', {}, { enabled: asked }).data ?? []
  return [
    {
      label: 'Projects',
      actions: projects.map(({ id, name, runs }) => ({
        id: `project:${id}`,
        title: name,
        detail: `${runs} runs`,
        to: `/runs?project=${encodeURIComponent(id)}`
      }))
    }
  ]
}
