/** Shoal's version, put in by the bundlers from package.json; when run from the source it says so. */
declare const __SHOAL_VERSION__: string

export const version = typeof __SHOAL_VERSION__ === 'undefined' ? '0.0.0-source' : __SHOAL_VERSION__
