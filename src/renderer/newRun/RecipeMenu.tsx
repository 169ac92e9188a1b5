import { Button, Group, Menu, Text } from '@mantine/core'
import {
  IconChevronDown,
  IconCopy,
  IconDeviceFloppy,
  IconFolderOpen,
  IconHistory,
  IconSparkles
} from '@tabler/icons-react'
import type { StartRecipe, StoredRecipeEntry } from '../../shared/contract/recipes'
import { modelName } from '../../shared/modelName'
import { type Recipe, variantNames } from '../../shared/recipe'
import { call } from '../api/desktop'
import { useCall } from '../api/hooks'
import { notifyDone, notifyError } from '../components/notify'
import { RelativeTime } from '../components/RelativeTime'
import { plural } from '../format/numbers'
import { baseName } from '../format/paths'

interface Props {
  /** Undefined while the form is unfinished. */
  readonly recipe: Recipe | undefined
  readonly begin: (start: StartRecipe) => void
}

/** What can be done with the recipe as a whole: begin with another, copy, save. */
export function RecipeMenu({ recipe, begin }: Props) {
  return (
    <Group gap="xs" wrap="nowrap">
      <BeginMenu begin={begin} />
      <Button
        variant="default"
        leftSection={<IconCopy size={16} aria-hidden />}
        disabled={recipe === undefined}
        onClick={() => recipe && void copyRecipe(recipe)}
      >
        Copy recipe
      </Button>
      <Button
        variant="default"
        leftSection={<IconDeviceFloppy size={16} aria-hidden />}
        disabled={recipe === undefined}
        onClick={() => recipe && void saveRecipe(recipe)}
      >
        Save…
      </Button>
    </Group>
  )
}

const LISTED = 12

function BeginMenu({ begin }: Pick<Props, 'begin'>) {
  const stored = useCall('recipes.list', {}).data ?? []
  return (
    <Menu position="bottom-end" width={340}>
      <Menu.Target>
        <Button variant="default" rightSection={<IconChevronDown size={14} aria-hidden />}>
          Begin with
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah={420} style={{ overflowY: 'auto' }}>
        <Menu.Item leftSection={<IconFolderOpen size={16} aria-hidden />} onClick={() => void openRecipe(begin)}>
          Recipe file…
        </Menu.Item>
        <Menu.Item leftSection={<IconSparkles size={16} aria-hidden />} onClick={() => void beginWithSample(begin)}>
          The sample model
        </Menu.Item>
        {stored.length > 0 && <Menu.Label>Earlier recipes</Menu.Label>}
        {stored.slice(0, LISTED).map((entry) => (
          <Menu.Item
            key={entry.sha256}
            leftSection={<IconHistory size={16} aria-hidden />}
            onClick={() => begin({ recipe: entry.recipe, origin: 'An earlier recipe' })}
          >
            {titleOf(entry)}
            <Text size="xs" c="dimmed">
              {variantsOf(entry)}, <RelativeTime atMs={entry.createdAtMs} />
            </Text>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

const titleOf = ({ recipe }: StoredRecipeEntry): string => recipe.name ?? modelName(recipe.model)

const variantsOf = ({ recipe: { variants } }: StoredRecipeEntry): string =>
  variants.length > 2 ? plural(variants.length, 'variant') : variantNames(variants).join(', ')

async function openRecipe(begin: Props['begin']): Promise<void> {
  try {
    const [path] = await call('app.pick', { kind: 'recipe' })
    if (path !== undefined) begin(await call('recipes.read', { path }))
  } catch (error) {
    notifyError('The recipe could not be opened', error)
  }
}

async function beginWithSample(begin: Props['begin']): Promise<void> {
  try {
    begin(await call('recipes.start', {}))
  } catch (error) {
    notifyError('The sample could not be read', error)
  }
}

async function copyRecipe(recipe: Recipe): Promise<void> {
  try {
    await call('app.copy', { text: await call('recipes.text', { recipe }) })
    notifyDone('The recipe is on the clipboard')
  } catch (error) {
    notifyError('The recipe could not be copied', error)
  }
}

async function saveRecipe(recipe: Recipe): Promise<void> {
  try {
    const path = await call('app.pickTarget', { kind: 'recipe', name: `${fileName(recipe)}.yaml` })
    if (path === null) return
    await call('recipes.save', { recipe, path })
    notifyDone(`Saved as ${baseName(path)}`)
  } catch (error) {
    notifyError('The recipe could not be saved', error)
  }
}

const fileName = ({ name, model }: Recipe): string =>
  (name ?? `${modelName(model)}-recipe`).replaceAll(/[^\p{L}\p{N}._-]+/gu, '-') || 'recipe'
