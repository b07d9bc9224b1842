/**
 * lvs.cf and its neighbours, both ways, as one table each: what the command line and the document editor call. A conversion never
 * throws and never drops a line without saying so; its report has an entry for everything that is lost, approximated or not needed.
 */
import { importIpvsadm } from './ipvsadm-import.ts'
import { exportIpvsadm } from './ipvsadm-export.ts'
import type { Imported } from './keepalived-import.ts'
import { importKeepalived } from './keepalived-import.ts'
import type { Exported, ExportOptions } from './keepalived-export.ts'
import { exportKeepalived } from './keepalived-export.ts'
import { importLdirectord } from './ldirectord-import.ts'
import { exportLdirectord } from './ldirectord-export.ts'

export const formats = ['keepalived', 'ldirectord', 'ipvsadm'] as const
export type Format = (typeof formats)[number]

/** The text of a neighbour's file → a draft (`newDocument` writes it as lvs.cf) and the report. */
export const importers: Readonly<Record<Format, (text: string) => Imported>> = {
  keepalived: importKeepalived,
  ldirectord: importLdirectord,
  ipvsadm: importIpvsadm,
}

/** The text of an lvs.cf → the neighbour's files (none when the lvs.cf has no certain meaning) and the report. */
export const exporters: Readonly<Record<Format, (text: string, options?: ExportOptions) => Exported>> = {
  keepalived: exportKeepalived,
  ldirectord: exportLdirectord,
  ipvsadm: exportIpvsadm,
}
