import { Modal, type ModalProps } from '@mantine/core'

/**
 * A dialog in which something is filled in. A click beside it closes other dialogs; this one would lose what was written, and
 * would go again with the second click of a double one on the button that opens it.
 */
export const FormModal = (props: ModalProps) => <Modal {...props} closeOnClickOutside={false} />
