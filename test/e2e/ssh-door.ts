/**
 * An SSH server that lets one account in by password and runs nothing: enough for what can go wrong before anybody is logged in
 * (unknown key, changed key, wrong password), on a machine that has no sshd.
 */
import ssh2 from 'ssh2'
import type { AddressInfo } from 'node:net'

export interface SshDoor {
  readonly port: number
  /** Passwords tried, in order. */
  readonly tried: readonly string[]
  close(): Promise<void>
}

/** A fresh ed25519 host key. */
export function newHostKey(): string {
  return ssh2.utils.generateKeyPairSync('ed25519').private
}

export function openSshDoor(hostKey: string, password: string, port = 0): Promise<SshDoor> {
  const tried: string[] = []
  const clients = new Set<ssh2.Connection>()
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
    clients.add(client)
    client.on('authentication', (context) => {
      if (context.method !== 'password') return context.reject(['password'])
      tried.push(context.password)
      if (context.password === password) context.accept()
      else context.reject(['password'])
    })
    client.on('error', () => undefined)
    client.on('close', () => clients.delete(client))
  })
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(port, '127.0.0.1', () =>
      resolve({
        port: (server.address() as AddressInfo).port,
        tried,
        close: () =>
          new Promise((done) => {
            for (const client of clients) client.end()
            server.close(() => done())
          }),
      }),
    )
  })
}
