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
