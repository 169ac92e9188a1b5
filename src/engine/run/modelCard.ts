import { acceptanceSentence } from '../../shared/acceptance'
import { coveredText } from '../../shared/coverage'
import { enoughRowsSentence } from '../../shared/enoughRows'
import { expertsSentence, expertsText } from '../../shared/expertsNote'
import { optionValues } from '../../shared/methods'
import { plural } from '../../shared/plural'
import { linearsWithError, meanLossRemoved } from '../../shared/proof'
import {
  baseCommand,
  isQuantizedByTrainers,
  isRecomputable,
  NO_TRAINER,
  provenBase,
  quantizerWords,
  trainerWords
} from '../../shared/quantizerWords'
import { markdownText, quotedText, visible } from '../../shared/quoting'
import { OWN_RANKS, rankSentence, rankSettings } from '../../shared/rankWords'
import { type Targets, targetsText } from '../../shared/recipe'
import type { RefinementResult } from '../../shared/refinement'
import {
  divergenceText,
  LAYERS_OF_START,
  layersAreOfStart,
  refinementSentence,
  refinementSettings
} from '../../shared/refinementWords'
import { computedWhere } from '../../shared/runEvents'
import { loaderOf, TOWER_ALONE, towerText } from '../../shared/textTower'
import { torchDtype } from '../../shared/torchDtypes'
import { DISTINGUISHABLE_RULE, estimateText, NOT_DISTINGUISHABLE, shareText } from '../../shared/uncertainty'
import type { Proof } from './proof'

/** README.md of an adapter directory: front matter that hubs read, then what it is, what was measured, how to use it. */
export function modelCard(proof: Proof): string {
  return [frontMatter(proof), heading(proof), results(proof), usage(proof), traps(proof), recipe(proof)]
    .join('\n\n')
    .concat('\n')
}

/** What a trainer loads: the pre-quantized base where there is one. */
const loadedName = ({ model, fingerprint }: Proof): string => fingerprint.base ?? model.name

function frontMatter(proof: Proof): string {
  const name = loadedName(proof)
  return [
    '---',
    `base_model: ${quotedText(name)}`,
    'library_name: peft',
    'pipeline_tag: text-generation',
    'tags:',
    `- ${quotedText(`base_model:adapter:${name}`)}`,
    '- lora',
    '- quail',
    '- transformers',
    '---'
  ].join('\n')
}

function heading({ model, variant, versions, refinement, ranks }: Proof): string {
  const own = ranks?.kept === 'budget' ? ' in the mean, by linear' : ''
  const refined = refinement === undefined ? '' : ', refined against the whole model'
  return `# LoRA initialization for ${markdownText(model.name)}: ${variant.method}, rank ${variant.rank}${own}${refined}

This adapter is a **starting point for QLoRA fine-tuning**, made by Quail ${versions.quail}. It has not been fine-tuned: on the
quantized base it brings the outputs back towards those of the full-precision model.`
}

function results({ perplexity, layers, fingerprint, refinement, ranks, variant, acceptance }: Proof): string {
  const texts = Object.entries(perplexity)
  const ofStart = layersAreOfStart({ refined: refinement !== undefined, refinement: refinement ?? null })
  const sentence = `${removedSentence(layers, ofStart)}${ofStart ? ` ${LAYERS_OF_START}` : ''}`
  const measured =
    texts.length === 0 ? [] : [perplexityTable(texts, fingerprint.quantizer), fidelityTable(texts), howMeasured(texts)]
  const refined = refinement === undefined ? [] : [refinementText(refinement)]
  const chosen =
    ranks === undefined
      ? []
      : [
          `Ranks by what they are worth: ${rankSentence(ranks, variant.rank)} (KL divergence from full precision in nats, mean over the predicted tokens of held-out calibration rows); ${rankSettings(ranks)}.`
        ]
  const kept =
    acceptance === undefined
      ? []
      : [
          `Asked of held-out calibration rows: ${acceptanceSentence(acceptance)} (KL divergence from full precision in nats, mean over their predicted tokens).`
        ]
  return ['## Measured', ...measured, ...chosen, ...kept, ...refined, sentence].join('\n\n')
}

/** The mean that the command line and the window show of the adapter, too. */
function removedSentence(layers: Proof['layers'], ofStart: boolean): string {
  const linears = linearsWithError(layers)
  if (linears === undefined) return 'No linear has a calibrated error (per layer in `quail.json`).'
  const by = ofStart ? 'removed by the start, before refinement' : 'removed'
  return `Mean over ${linears}: ${percent(meanLossRemoved(layers))} of the calibrated error ${by} (per layer in \`quail.json\`).`
}

/** What became of the refinement, and the curve of its held-out rows. */
function refinementText(refinement: RefinementResult): string {
  const { curve } = refinement
  const points = curve.map(({ steps, divergence }) => `${steps}: ${divergenceText(divergence)}`).join(', ')
  return `Refined against the whole model, from what the method found: ${refinementSentence(refinement)} (KL divergence from full precision in nats, mean over the predicted tokens of calibration rows that were held out from the refinement). After each number of steps: ${points}.`
}

type MeasuredTexts = readonly (readonly [file: string, measured: Proof['perplexity'][string]])[]

function perplexityTable(texts: MeasuredTexts, quantizer: string): string {
  const rows = texts.map(([file, p]) => {
    const { fullPrecision, quantized, adapter } = p.standardErrors
    return tableRow([
      markdownText(file),
      estimateText(p.fullPrecision, fullPrecision, 6),
      estimateText(p.quantized, quantized, 6),
      estimateText(p.adapter, adapter, 6),
      closedText(p)
    ])
  })
  const titles = [
    'evaluation text',
    'full precision',
    `quantized (${quantizer})`,
    'with this adapter',
    'share of the gap closed'
  ]
  return `Perplexity:\n\n${[tableRow(titles), tableRule(titles), ...rows].join('\n')}`
}

function closedText({ gapClosed, standardErrors, distinguishable }: MeasuredTexts[number][1]): string {
  if (distinguishable.gap === false) return `gap ${NOT_DISTINGUISHABLE} from none`
  if (gapClosed === undefined) return 'no gap'
  const share = shareText(gapClosed, standardErrors.gapClosed)
  return distinguishable.adapter === false ? `${share}, ${NOT_DISTINGUISHABLE} from quantized` : share
}

function fidelityTable(texts: MeasuredTexts): string {
  const rows = texts.map(([file, { klDivergence: kl, sameTopToken: same }]) =>
    tableRow([
      markdownText(file),
      estimateText(kl.quantized.mean, kl.quantized.standardError, 3),
      estimateText(kl.adapter.mean, kl.adapter.standardError, 3),
      shareText(same.quantized.share, same.quantized.standardError),
      shareText(same.adapter.share, same.adapter.standardError)
    ])
  )
  const titles = [
    'evaluation text',
    'KL divergence, quantized',
    'with this adapter',
    'same top token, quantized',
    'with this adapter'
  ]
  return `Against full precision, of the next token (KL divergence in nats):\n\n${[tableRow(titles), tableRule(titles), ...rows].join('\n')}`
}

function howMeasured(texts: MeasuredTexts): string {
  const sizes = texts.map(
    ([file, { tokens, rows, coverage }]) =>
      `${markdownText(file)} ${tokens} predicted tokens in ${plural(rows, 'row')}${coverage === undefined ? '' : `, ${coveredText(coverage)}`}`
  )
  return `± is one standard error over rows: ${sizes.join('; ')}. ${DISTINGUISHABLE_RULE}`
}

const tableRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const tableRule = (titles: readonly string[]): string => `|${'---|'.repeat(titles.length)}`

function usage(proof: Proof): string {
  const { fingerprint, model } = proof
  const base = provenBase(fingerprint)
  const loader = loaderOf(model.tower)
  const loading = loadingOf(proof)
  if (loading === undefined) return `## Use\n\nThe base is in ${fingerprint.quantizer}: ${NO_TRAINER}.`
  const { name, written, quantized } = loading
  const quantizing = quantized ? `quantization = BitsAndBytesConfig(${configLines(quantized)})\n` : ''
  const before =
    written && `The base is in ${quantizerWords(base)}: ${NO_TRAINER}. This writes it:\n\n    ${written}\n\n`
  return `## Use

${before ?? ''}\`\`\`python
import torch
from peft import PeftModel
from transformers import ${loader}${quantized ? ', BitsAndBytesConfig' : ''}

${quantizing}base = ${loader}.from_pretrained(${quotedText(name)}, dtype=torch.${torchDtype(fingerprint.dtype)}${
    quantized ? ', quantization_config=quantization' : ''
  })
model = PeftModel.from_pretrained(base, "PATH_OF_THIS_DIRECTORY", is_trainable=True)
\`\`\`

Give a trainer either this \`model\` or a \`peft_config\`, never both: a \`peft_config\` starts a new adapter.`
}

/** What is loaded as the base: a checkpoint that is quantized on the way, one that is already, or one that a command writes first. */
interface Loading {
  readonly name: string
  readonly quantized?: readonly string[] | undefined
  readonly written?: string
}

/** @returns undefined where there is no way to the base */
function loadingOf(proof: Proof): Loading | undefined {
  const { fingerprint } = proof
  if (fingerprint.base !== undefined) return { name: loadedName(proof) }
  const base = provenBase(fingerprint)
  if (isQuantizedByTrainers(base)) return { name: loadedName(proof), quantized: trainerWords(base)?.wholeConfig }
  const written = baseCommand(base, 'MODEL', torchDtype(fingerprint.dtype))
  return written === undefined ? undefined : { name: 'BASE', written }
}

/** Two arguments a line. */
const configLines = (words: readonly string[]): string =>
  words.map((word, i) => (i === 0 ? word : i % 2 === 0 ? `,\n    ${word}` : `, ${word}`)).join('')

function traps({ fingerprint, variant, model, ranks }: Proof): string {
  return `## Mind

- ${fingerprint.base === undefined ? 'The trainer must quantize exactly as assumed here' : `The base must be the pre-quantized checkpoint ${markdownText(fingerprint.base)}`}: ${quantizerWords(provenBase(fingerprint))}, weights loaded as ${fingerprint.dtype}. ${
    isRecomputable(fingerprint) ? "`check_fingerprint.py` in Quail's resources" : '`quail verify`'
  } compares a base with \`quail.json\`.
- \`lora_dropout\` above 0 switches the correction off at random while training.
- The scaling lora_alpha / ${variant.rslora ? 'sqrt(r)' : 'r'} = ${variant.scaling} is divided out of the stored factors; keep \`lora_alpha\` and \`r\`.${
    ranks?.kept === 'budget' ? `\n- ${OWN_RANKS}` : ''
  }
- Merging the trained adapter into the ORIGINAL weights counts the correction twice. Merge it into the dequantized base.
- \`init_lora_weights\` stays \`true\`, so that no loader initializes the factors again.${
    model.tower === undefined
      ? ''
      : `\n- This is the ${towerText(model.tower)}: ${TOWER_ALONE}. \`target_modules\` names whole paths, as the last names may also mean linears of the other parts.`
  }${model.experts === undefined ? '' : `\n- The model has ${expertsText(model.experts)}: ${expertsSentence(model.experts)}.`}`
}

function recipe(proof: Proof): string {
  const { recipe: r, variant, fingerprint } = proof
  const texts = r.calibration.texts.map(({ name, sha256 }) => `${markdownText(name)} (sha256 ${sha256})`).join(', ')
  return `## Recipe

- method ${variant.method}, rank ${variant.rank}, lora_alpha ${variant.alpha}${variant.rslora ? ', rank-stabilised' : ''}${optionValues(
    variant
  )
    .map((option) => `, ${option}`)
    .join('')}, targets ${targetsCell(variant.targets)}
${refined(proof)}- calibration: ${texts}; ${plural(r.calibration.rows, 'row')} of ${plural(r.context, 'token')}${drawn(r)}, ${r.policy}, ${r.calibration.tokens} tokens${counted(r)}${rendered(r)}${enough(r)}
- factors stored in ${r.factorDtype}, computed on ${computedOn(r)}, seed ${r.seed}
- fingerprint of the base: codes ${fingerprint.codes}, absmax ${fingerprint.absmax}`
}

const refined = ({ refinement }: Proof): string =>
  refinement === undefined ? '' : `- refined: ${refinementSettings(refinement)}\n`

/** How the number of rows was found, where nobody gave it. */
const enough = ({ calibration: { enough: found } }: Proof['recipe']): string =>
  found === undefined ? '' : `; ${enoughRowsSentence(found)}`

const drawn = ({ calibration: { draw } }: Proof['recipe']): string => (draw === undefined ? '' : ` (draw ${draw})`)

/** An expression holds signs that Markdown would take for its own, but no backtick. */
const targetsCell = (targets: Targets): string =>
  typeof targets === 'string' || Array.isArray(targets)
    ? markdownText(targetsText(targets))
    : `\`${visible(targetsText(targets)).replaceAll('`', "'")}\``

/** Says where not all positions count; nothing where they do. */
const counted = ({ calibrateOn, firstToken, lossOn }: Proof['recipe']): string =>
  [
    calibrateOn && `; H counts ${calibrateOn} only`,
    firstToken && '; H leaves out the first token of each row',
    lossOn && `; perplexity counts ${lossOn} only`
  ]
    .filter((part) => part !== undefined)
    .join('')

/** The day on which conversations were rendered, where the chat template writes it. */
const rendered = ({ templateDate }: Proof['recipe']): string =>
  templateDate === undefined ? '' : `; conversations rendered as of ${templateDate}`

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
const computedOn = ({ device, deviceFailure }: Proof['recipe']): string =>
  deviceFailure === undefined ? device : computedWhere(deviceFailure)
