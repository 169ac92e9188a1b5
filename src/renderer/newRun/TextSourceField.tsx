import { ActionIcon, Anchor, Checkbox, Group, Input, Stack, Text, Tooltip } from '@mantine/core'
import { IconDatabase, IconFileText, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { Link } from 'wouter'
import type { StartChoices } from '../../shared/contract/recipes'
import { ENOUGH_TOLERANCE } from '../../shared/enoughRows'
import { type CalibrationSource, type Policy, rowsWishOf } from '../../shared/recipe'
import { call } from '../api/desktop'
import { ImportDrawer } from '../calibration/ImportDrawer'
import { setAddress } from '../calibration/setText'
import { notifyOffer } from '../components/notify'
import { baseName } from '../format/paths'
import type { TermName } from '../glossary/glossary'
import { Term } from '../glossary/Term'
import { DropTarget } from './DropTarget'
import { NumberField } from './NumberField'
import { TextMenu } from './TextMenu'

interface Props {
  readonly title: string
  readonly term: TermName
  readonly help: string
  readonly source: CalibrationSource
  readonly choices: Pick<StartChoices, 'sets' | 'texts'>
  readonly errors: Readonly<Record<string, string>>
  /** `policy`: that of a set which is too new to be among the choices. */
  readonly onChange: (source: CalibrationSource, policy?: Policy) => void
  /** Whether the run may find out how many rows are enough. */
  readonly mayAsk?: boolean
  /** Offered where no text is chosen. */
  readonly offer?: React.ReactNode
  /** Said where nothing is chosen and something is needed. */
  readonly missing?: string
}

/** Files that are read row by row become a set first: what their columns hold is asked once. */
const ROWS = /\.(jsonl|ndjson|csv|tsv|parquet|json)$|\.gz$/i

/** Text files, or one stored set. */
export function TextSourceField(props: Props) {
  const { title, term, help, source, choices, errors, onChange, offer, missing, mayAsk = false } = props
  const { set, files = [], rows, enough } = source
  const empty = set === undefined && files.length === 0
  const error = empty && missing !== undefined ? missing : (errors.files ?? errors.set)
  const { add, choose, importing, closeImport } = useTexts(source, onChange)
  const setFiles = (next: string[]): void => onChange({ files: next, ...rowsWishOf(source) })
  const pick = async (): Promise<void> => add(await call('app.pick', { kind: 'texts', multiple: true }))
  const verb = empty ? 'Choose text' : set === undefined ? 'Add text' : 'Choose other text'
  return (
    <DropTarget
      label="Drop text files"
      accepts={(path) => /\.(txt|md|text)$/i.test(path) || ROWS.test(path)}
      onDrop={add}
    >
      <Stack gap="xs" role="group" aria-label={title}>
        <Input.Wrapper label={<Term name={term}>{title}</Term>} description={help} error={error}>
          <Stack gap={4} mt={6}>
            <ChosenTexts set={set} files={files} sets={choices.sets} onFiles={setFiles} />
          </Stack>
        </Input.Wrapper>
        {empty && offer}
        <Group gap="xs" align="flex-end">
          <TextMenu
            verb={verb}
            title={title}
            sets={choices.sets}
            unused={choices.texts.filter((path) => !files.includes(path))}
            onPick={() => void pick()}
            onSet={(name) => choose({ set: name, ...rowsWishOf(source) })}
            onText={(path) => add([path])}
          />
          <NumberField
            label={<Term name="rows">{rowsLabel(source)}</Term>}
            w={120}
            min={1}
            step={16}
            allowDecimal={false}
            value={rows}
            onChange={(next) => onChange({ ...source, rows: next })}
            error={errors.rows}
            disabled={empty}
          />
          {mayAsk && (
            <Checkbox
              label={<Term name="enough">no more than are enough</Term>}
              mb={8}
              checked={enough !== undefined}
              onChange={(event) => onChange(asking(source, event.currentTarget.checked))}
              disabled={empty}
            />
          )}
        </Group>
      </Stack>
      {importing.length > 0 && (
        <ImportDrawer key={importing.join('\n')} files={importing} onClose={(stored) => void closeImport(stored)} />
      )}
    </DropTarget>
  )
}

const rowsLabel = ({ set, enough }: CalibrationSource): string =>
  `${set === undefined ? 'Rows per file' : 'Rows'}${enough === undefined ? '' : ', at most'}`

function asking({ enough: _, ...source }: CalibrationSource, asks: boolean): CalibrationSource {
  return asks ? { ...source, enough: ENOUGH_TOLERANCE } : source
}

/** Adds files, or puts a set in place of what is chosen. */
function useTexts(source: CalibrationSource, onChange: Props['onChange']) {
  const { set, files = [] } = source
  const empty = set === undefined && files.length === 0
  const [importing, setImporting] = useState<readonly string[]>([])

  function add(paths: readonly string[]): void {
    setImporting(paths.filter((path) => ROWS.test(path)))
    const texts = paths.filter((path) => !ROWS.test(path))
    if (texts.length > 0) choose({ files: [...new Set([...files, ...texts])], ...rowsWishOf(source) })
  }

  /** A run takes files or one set: what goes is said, with the way back. */
  function choose(next: CalibrationSource, policy?: Policy): void {
    onChange(next, policy)
    const before = set === undefined ? files.map(baseName).join(', ') : set
    const replaced = !empty && next.set !== set
    if (replaced)
      notifyOffer(`${before} was replaced`, 'A run takes text files or one stored set.', {
        label: 'Undo',
        onClick: () => onChange(source)
      })
  }

  const closeImport = async (stored: readonly string[]): Promise<void> => {
    setImporting([])
    const last = stored.at(-1)
    if (last === undefined) return
    const { policy } = await call('calibration.get', { name: last })
    choose({ set: last, ...rowsWishOf(source) }, policy)
  }
  return { add, choose, importing, closeImport }
}

/** Beside a long name, too. */
const WHOLE = { flexShrink: 0 }

interface ChosenTextsProps {
  readonly set: string | undefined
  readonly files: readonly string[]
  /** Those that are stored: what was deleted has no page. */
  readonly sets: StartChoices['sets']
  readonly onFiles: (files: string[]) => void
}

function ChosenTexts({ set, files, sets, onFiles }: ChosenTextsProps) {
  const isStored = sets.some(({ name }) => name === set)
  return (
    <>
      {set !== undefined && (
        <Chosen
          icon={<IconDatabase size={16} style={WHOLE} aria-hidden />}
          name={set}
          detail={isStored ? 'A stored set' : 'This set is not stored any more'}
          {...(isStored && { preview: setAddress(set) })}
          onRemove={() => onFiles([])}
        />
      )}
      {files.map((path) => (
        <Chosen
          key={path}
          icon={<IconFileText size={16} style={WHOLE} aria-hidden />}
          name={baseName(path)}
          detail={path}
          onRemove={() => onFiles(files.filter((one) => one !== path))}
        />
      ))}
    </>
  )
}

interface ChosenProps {
  readonly icon: React.ReactNode
  readonly name: string
  readonly detail: string
  /** Address of a page that shows it. */
  readonly preview?: string
  readonly onRemove: () => void
}

function Chosen({ icon, name, detail, preview, onRemove }: ChosenProps) {
  return (
    <Group gap="xs" wrap="nowrap" justify="space-between">
      <Tooltip label={detail} multiline maw={520} style={{ overflowWrap: 'anywhere' }}>
        <Group gap={6} wrap="nowrap" style={{ minWidth: 0 }}>
          {icon}
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {name}
          </Text>
          {preview !== undefined && (
            <Anchor component={Link} href={preview} size="xs" underline="always">
              Preview
            </Anchor>
          )}
        </Group>
      </Tooltip>
      <ActionIcon variant="subtle" color="gray" size="sm" aria-label={`Remove ${name}`} onClick={onRemove}>
        <IconX size={14} aria-hidden />
      </ActionIcon>
    </Group>
  )
}
