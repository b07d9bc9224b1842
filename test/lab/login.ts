// Logs in to a host with a password and runs one command, for the lab's own test of its accounts (OpenSSH's client takes a
// password from a terminal only). Arguments: address user password command. Prints what was said on either stream.

import { Client } from 'ssh2'

const [host = '', username = '', password = '', command = ''] = process.argv.slice(2)
const client = new Client()
client.on('error', (error) => {
  console.error(error.message)
  process.exitCode = 1
})
client.on('ready', () => {
  client.exec(command, (error, stream) => {
    if (error) throw error
    stream.pipe(process.stdout)
    stream.stderr.pipe(process.stdout)
    stream.on('close', () => client.end())
  })
})
client.connect({ host, username, password, readyTimeout: 10_000 })
