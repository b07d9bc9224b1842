/** Where an operator's drafts, clusters and known hosts live, the same for both hosts, so that one can go on where the other left. */
import path from 'node:path'

/**
 * The data directory by the platform's custom: `$XDG_DATA_HOME/shoal` or `~/.local/share/shoal`, `%APPDATA%\Shoal`, or
 * `~/Library/Application Support/Shoal`. A relative `XDG_DATA_HOME` is ignored, as the XDG Base Directory Specification has it.
 */
export function defaultDataDir(
  platform: string,
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): string {
  if (platform === 'win32') return path.join(env['APPDATA'] ?? path.join(home, 'AppData', 'Roaming'), 'Shoal')
  if (platform === 'darwin') return path.join(home, 'Library', 'Application Support', 'Shoal')
  const xdg = env['XDG_DATA_HOME']
  return path.join(xdg && path.isAbsolute(xdg) ? xdg : path.join(home, '.local', 'share'), 'shoal')
}
