/** Problems of a document on disk: its bytes, its encoding, its versions. */
import type { Entry } from './speech.ts'

export const documentSpeech = {
  'document-too-large': {
    en: {
      says: '{file} has {bytes} bytes; the editor opens up to {limit}.',
      remedy: 'Check that this is an lvs.cf file.',
    },
    'zh-CN': {
      says: '{file} 有 {bytes} 字节；编辑器最多打开 {limit} 字节。',
      remedy: '请确认这是 lvs.cf 文件。',
    },
  },
  'document-not-in-encoding': {
    en: {
      says: 'Line {line} contains {character}, which the encoding of the file ({encoding}) does not have. The file on disk is unchanged.',
      remedy: 'Replace the character, or change the encoding of the document to UTF-8.',
    },
    'zh-CN': {
      says: '第 {line} 行包含 {character}，文件的编码（{encoding}）中没有该字符。磁盘上的文件未被改动。',
      remedy: '请替换该字符，或将文档编码改为 UTF-8。',
    },
  },
  'document-not-read-in-encoding': {
    en: {
      says: 'The bytes of the file are not {encoding}: read so and saved again, some would be others.',
      remedy: 'Choose another encoding; Latin-1 shows every byte as one character.',
    },
    'zh-CN': {
      says: '文件的字节不是 {encoding}：按它读取再保存，会有字节改变。',
      remedy: '请选择其他编码；Latin-1 会把每个字节显示为一个字符。',
    },
  },
  'no-file-dialog': {
    en: {
      says: 'A browser has no dialog for the files of the machine Shoal runs on.',
      remedy: 'Type the path of the file.',
    },
    'zh-CN': {
      says: '浏览器没有用于选择 Shoal 所在机器上文件的对话框。',
      remedy: '请输入文件的路径。',
    },
  },
  'document-base-unknown': {
    en: {
      says: 'What was typed could not be kept: the version it was typed over is not known to this process.',
      remedy: 'Nothing needs to be done: it is sent whole the next time.',
    },
    'zh-CN': {
      says: '未能保留已输入的内容：本进程不知道它所基于的版本。',
      remedy: '无需操作：下一次会完整发送。',
    },
  },
  'document-place-malformed': {
    en: {
      says: '{file} does not name a file on a host.',
      remedy: 'Write ssh://user@host/path, with :port after the host where it is not 22.',
    },
    'zh-CN': {
      says: '{file} 不是主机上文件的名称。',
      remedy: '请写成 ssh://用户@主机/路径；端口不是 22 时在主机后加 :端口。',
    },
  },
} as const satisfies Record<string, Entry>

export type DocumentCode = keyof typeof documentSpeech
