/**
 * The open document, for the parts of the page: its text as it is edited, the form of the node that is selected in it, and its versions
 * on disk and beside it. Text and form are two views of one text.
 */
import { defineStore } from 'pinia'
import { liveText } from './live-text.ts'
import { nodeForm } from './node-form.ts'
import { versions } from './versions.ts'

export const useDocumentStore = defineStore('document', () => {
  const live = liveText((isAnalysed) => ofFile.textChanged(isAnalysed))
  const ofFile = versions(live)
  return { ...live, ...nodeForm(live), ...ofFile }
})
