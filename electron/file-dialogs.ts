/**
 * The desktop's own file dialogs, for opening an lvs.cf and for saving under another path. They are asked for by the core's port and by
 * the menu; the answer is a path, or nothing when the operator went back.
 */
import type { OpenDialogOptions, OpenDialogReturnValue, SaveDialogOptions, SaveDialogReturnValue } from 'electron'
import type { FilePurpose } from '../domain/contract/app.ts'
import type { menuWords } from './menu.ts'

/** What is taken of Electron; the window is given along by the caller, so that the dialog is its own. */
export interface NativeDialogs {
  open(options: OpenDialogOptions): Promise<OpenDialogReturnValue>
  save(options: SaveDialogOptions): Promise<SaveDialogReturnValue>
}

export type ChooseFile = (purpose: FilePurpose, suggested?: string) => Promise<string | undefined>

/** `suggested` is a path to begin at; that of a file on a host is none here. */
export function fileDialogs(native: NativeDialogs, say: ReturnType<typeof menuWords>): ChooseFile {
  const filters = [
    { name: say.files, extensions: ['cf'] },
    { name: say.allFiles, extensions: ['*'] },
  ]
  return async (purpose, suggested) => {
    const begin = suggested === undefined ? {} : { defaultPath: suggested }
    if (purpose === 'open') {
      const properties: OpenDialogOptions['properties'] = ['openFile', 'showHiddenFiles']
      const { canceled, filePaths } = await native.open({ title: say.chooseFile, properties, filters, ...begin })
      return canceled ? undefined : filePaths[0]
    }
    const properties: SaveDialogOptions['properties'] = ['showHiddenFiles', 'showOverwriteConfirmation']
    const { canceled, filePath } = await native.save({ title: say.saveFile, properties, filters, ...begin })
    return canceled || filePath === '' ? undefined : filePath
  }
}
