import { Group, SegmentedControl, Select, TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import type { Ref } from 'react'
import type { ProjectCard } from '../../shared/contract/projects'
import { inUse } from '../api/useProject'
import { formatCount } from '../format/numbers'
import type { RunFilter, StateGroup } from './runFilter'

interface Props {
  readonly filter: RunFilter
  readonly onChange: (change: Partial<RunFilter>) => void
  readonly counts: Readonly<Record<StateGroup, number>>
  readonly projects: readonly ProjectCard[]
  readonly tags: readonly string[]
  readonly searchRef: Ref<HTMLInputElement>
}

const STATES: readonly (readonly [StateGroup, string])[] = [
  ['all', 'All'],
  ['active', 'In work'],
  ['completed', 'Completed'],
  ['stopped', 'Stopped']
]

const optionOf = ({ id, name }: ProjectCard) => ({ value: id, label: name })

/** Archived projects come last, under their own heading. */
function groupsOf(projects: readonly ProjectCard[]) {
  const archived = projects.filter((project) => !inUse(project)).map(optionOf)
  const used = projects.filter(inUse).map(optionOf)
  return archived.length === 0
    ? used
    : [
        { group: 'In use', items: used },
        { group: 'Archived', items: archived }
      ]
}

/** Which runs are shown. */
export function RunsToolbar({ filter, onChange, counts, projects, tags, searchRef }: Props) {
  return (
    <Group gap="sm">
      <TextInput
        ref={searchRef}
        style={{ flex: '1 1 180px' }}
        maw={320}
        aria-label="Search runs"
        placeholder="Name, model, variant, tag, note"
        leftSection={<IconSearch size={14} aria-hidden />}
        value={filter.search}
        onChange={(event) => onChange({ search: event.currentTarget.value })}
      />
      <SegmentedControl
        aria-label="State of the runs shown"
        value={filter.state}
        onChange={(state) => onChange({ state: state as StateGroup })}
        data={STATES.map(([value, label]) => ({ value, label: `${label} ${formatCount(counts[value])}` }))}
      />
      {projects.length > 1 && (
        <Select
          w={160}
          aria-label="Project of the runs shown"
          placeholder="All projects"
          clearable
          searchable
          clearButtonProps={{ 'aria-label': 'All projects' }}
          value={filter.project}
          onChange={(project) => onChange({ project })}
          data={groupsOf(projects)}
        />
      )}
      {(tags.length > 0 || filter.tag !== null) && (
        <Select
          w={130}
          aria-label="Tag of the runs shown"
          placeholder="Any tag"
          clearable
          searchable
          clearButtonProps={{ 'aria-label': 'Any tag' }}
          value={filter.tag}
          onChange={(tag) => onChange({ tag })}
          data={tags.includes(filter.tag ?? tags[0] ?? '') ? [...tags] : [...tags, filter.tag as string]}
        />
      )}
    </Group>
  )
}
