import { evaluate, type RenderOptions } from './evaluator'
import { bodiesOf, namesIn } from './names'
import type { Body } from './nodes'
import { parseTemplate } from './parser'
import type { Value } from './values'

/**
 * A chat template: Jinja as transformers sets it up (trim_blocks, lstrip_blocks, no escaping, the immutable sandbox, loop
 * controls, {% generation %}, `tojson`, `raise_exception` and `strftime_now` of its own), with Python's values.
 *
 * What Jinja can and this cannot is refused with the line of the template: what is rendered is what Python renders, to the
 * byte. test/conformance/test_templates.py holds the two against each other.
 */
export class Template {
  readonly #body: Body

  /** @throws {TemplateFault} with the line, when the text is no template */
  constructor(text: string) {
    this.#body = parseTemplate(text)
  }

  /** Whether a name is read anywhere: `strftime_now`, say. */
  reads(name: string): boolean {
    return namesIn(this.#body).has(name)
  }

  /** Whether {% generation %} stands anywhere. */
  get marksGeneration(): boolean {
    return holdsGeneration(this.#body)
  }

  /** @throws {TemplateFault} with the line of what failed, raise_exception included */
  render(variables: ReadonlyMap<string, Value>, options: RenderOptions): string {
    return evaluate(this.#body, variables, options)
  }
}

const holdsGeneration = (body: Body): boolean =>
  body.some((statement) => statement.kind === 'generation' || bodiesOf(statement).some(holdsGeneration))
