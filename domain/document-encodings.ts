/** The encodings a document can be in, apart from the contract's schemas: the document page names them and validates nothing. */

/** How the bytes of a document become text and go back unchanged. A byte order mark and line ends are part of the text. */
export const documentEncodings = ['utf-8', 'gb18030', 'latin1'] as const
export type DocumentEncoding = (typeof documentEncodings)[number]
/** What they are called, in every language alike. */
export const encodingNames: Readonly<Record<DocumentEncoding, string>> = {
  'utf-8': 'UTF-8',
  gb18030: 'GB18030',
  latin1: 'Latin-1',
}
