/** The application menu in the language of the system: what a keyboard expects of a desktop window, and opening a file. */
import type { MenuItemConstructorOptions } from 'electron'
import type { MenuItem } from '../domain/contract/app.ts'
import type { Language } from '../domain/speech/speech.ts'

const words = {
  en: {
    file: 'File',
    open: 'Open lvs.cf…',
    newCluster: 'New cluster',
    settings: 'Settings',
    print: 'Print…',
    palette: 'Commands…',
    close: 'Close window',
    quit: 'Quit Shoal',
    edit: 'Edit',
    undo: 'Undo',
    redo: 'Redo',
    cut: 'Cut',
    copy: 'Copy',
    paste: 'Paste',
    selectAll: 'Select all',
    view: 'View',
    reload: 'Reload',
    zoomReset: 'Actual size',
    zoomIn: 'Larger',
    zoomOut: 'Smaller',
    fullScreen: 'Full screen',
    chooseFile: 'Open an lvs.cf',
    saveFile: 'Save the lvs.cf as',
    files: 'Piranha configuration',
    allFiles: 'All files',
  },
  'zh-CN': {
    file: '文件',
    open: '打开 lvs.cf…',
    newCluster: '新建集群',
    settings: '设置',
    print: '打印…',
    palette: '命令…',
    close: '关闭窗口',
    quit: '退出 Shoal',
    edit: '编辑',
    undo: '撤销',
    redo: '重做',
    cut: '剪切',
    copy: '复制',
    paste: '粘贴',
    selectAll: '全选',
    view: '视图',
    reload: '重新加载',
    zoomReset: '实际大小',
    zoomIn: '放大',
    zoomOut: '缩小',
    fullScreen: '全屏',
    chooseFile: '打开 lvs.cf',
    saveFile: '另存 lvs.cf',
    files: 'Piranha 配置',
    allFiles: '所有文件',
  },
} as const satisfies Record<Language, object>

/** The language Shoal speaks to a system of this locale. */
export function menuLanguage(locale: string): Language {
  return locale.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en'
}

/** The menu's and dialogs' words. */
export function menuWords(locale: string): (typeof words)[Language] {
  return words[menuLanguage(locale)]
}

/** The menu; `openFile` asks for a file and shows it, `choose` lets the page carry out an item. On macOS the first menu is the application's own. */
export function menuTemplate(parts: {
  readonly locale: string
  readonly mac: boolean
  readonly openFile: () => void
  readonly choose: (item: MenuItem) => void
}): MenuItemConstructorOptions[] {
  const say = menuWords(parts.locale)
  const item = (label: string, accelerator: string, chosen: MenuItem): MenuItemConstructorOptions => ({
    label,
    accelerator,
    click: () => parts.choose(chosen),
  })
  const file: MenuItemConstructorOptions = {
    label: say.file,
    submenu: [
      item(say.newCluster, 'CmdOrCtrl+N', 'new'),
      { label: say.open, accelerator: 'CmdOrCtrl+O', click: parts.openFile },
      { type: 'separator' },
      item(say.print, 'CmdOrCtrl+P', 'print'),
      item(say.settings, 'CmdOrCtrl+,', 'settings'),
      { type: 'separator' },
      parts.mac ? { role: 'close', label: say.close } : { role: 'quit', label: say.quit },
    ],
  }
  return [
    ...(parts.mac ? [{ role: 'appMenu' } as const] : []),
    file,
    {
      label: say.edit,
      submenu: [
        { role: 'undo', label: say.undo },
        { role: 'redo', label: say.redo },
        { type: 'separator' },
        { role: 'cut', label: say.cut },
        { role: 'copy', label: say.copy },
        { role: 'paste', label: say.paste },
        { role: 'selectAll', label: say.selectAll },
      ],
    },
    {
      label: say.view,
      submenu: [
        item(say.palette, 'CmdOrCtrl+K', 'palette'),
        { type: 'separator' },
        { role: 'reload', label: say.reload },
        { type: 'separator' },
        { role: 'resetZoom', label: say.zoomReset },
        { role: 'zoomIn', label: say.zoomIn },
        { role: 'zoomOut', label: say.zoomOut },
        { role: 'togglefullscreen', label: say.fullScreen },
      ],
    },
  ]
}
