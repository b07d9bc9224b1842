/** What the drawer beside the picture is about: a thing of the cluster, by the name the reports know it by. */
import { defineStore } from 'pinia'
import { shallowRef } from 'vue'

export type Detail =
  | { readonly kind: 'client' }
  | { readonly kind: 'director'; readonly hostId: string }
  | { readonly kind: 'server'; readonly address: string }
  | { readonly kind: 'service'; readonly id: string }
  | { readonly kind: 'path'; readonly name: string }
  /** The way from the active director to a real server and back. */
  | { readonly kind: 'hop'; readonly address: string }

export const useDetailsStore = defineStore('details', () => {
  const shown = shallowRef<Detail | null>(null)
  return { shown }
})
