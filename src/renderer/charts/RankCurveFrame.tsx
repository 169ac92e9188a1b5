import { Switch } from '@mantine/core'
import { useState } from 'react'
import { saveFile } from '../components/saveFile'
import { ChartFrame } from './ChartFrame'
import { RankCurve, type RankMark, type RankSeries, rankCurveTable } from './RankCurve'

interface Props {
  readonly unit: string
  readonly fileName: string
  readonly label: string
  readonly series: readonly RankSeries[]
  readonly marks: readonly RankMark[]
}

/** Error against rank in its frame, with a switch to logarithms. */
export function RankCurveFrame({ unit, fileName, label, series, marks }: Props) {
  const [logarithmic, setLogarithmic] = useState(false)
  return (
    <ChartFrame
      title="Error against rank"
      term="rank"
      unit={unit}
      fileName={fileName}
      table={rankCurveTable(series, marks)}
      onSave={saveFile}
      actions={
        <Switch
          size="xs"
          label="log"
          checked={logarithmic}
          onChange={({ currentTarget }) => setLogarithmic(currentTarget.checked)}
        />
      }
    >
      {(width) => <RankCurve width={width} label={label} series={series} marks={marks} logarithmic={logarithmic} />}
    </ChartFrame>
  )
}
