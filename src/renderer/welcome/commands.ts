export interface Command {
  readonly title: string
  readonly description: string
  readonly line: string
}

export const COMMANDS: readonly Command[] = [
  {
    title: 'See it work',
    description: 'The whole job on the sample model that comes with Quail; it takes less than a minute.',
    line: 'npx quail demo'
  },
  {
    title: 'Prepare an adapter',
    description: 'A checkpoint and a text of your domain go in; an adapter directory with its proof comes out.',
    line: 'npx quail init-lora --model MODEL --calibration TEXT.txt --evaluation HELD-OUT.txt --out ADAPTER'
  },
  {
    title: 'Check an adapter',
    description: 'Says whether an adapter was made for this base: quantized weights, keys, shapes and scaling.',
    line: 'npx quail verify ADAPTER --model MODEL'
  }
]
