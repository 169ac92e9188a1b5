import { wholeWords } from '../format/wholeWords'

/** A sentence in which names with hyphens stand on one line. */
export const Sentence = ({ children }: { readonly children: string }) =>
  wholeWords(children).map(({ text, whole }, place) =>
    whole ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: a piece is its place
      <span key={place} style={{ whiteSpace: 'nowrap' }}>
        {text}
      </span>
    ) : (
      text
    )
  )
