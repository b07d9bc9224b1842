/** A large lvs.cf for measuring: as the original's web tool would write it, with a few mistakes in it. */
export function largeFile(virtualServers: number, realServersEach: number): string {
  const out = [
    'serial_no = 1\nprimary = 192.0.2.1\nprimary_private = 10.255.0.1\nservice = lvs\nbackup_active = 1\nbackup = 192.0.2.2\n',
    'backup_private = 10.255.0.2\nheartbeat = 1\nheartbeat_port = 539\nkeepalive = 6\ndeadtime = 18\nnetwork = direct\ndebug_level = NONE\n',
  ]
  for (let v = 0; v < virtualServers; v++) {
    const vip = `198.${18 + (v >> 16)}.${(v >> 8) & 255}.${v & 255}`
    out.push(
      `virtual service${v} {\n     active = 1\n     address = ${vip} eth0:${v + 1}\n     vip_nmask = 255.255.255.255\n     port = 80\n`,
      '     send = "GET / HTTP/1.0\\r\\n\\r\\n"\n     expect = "HTTP"\n     use_regex = 0\n     load_monitor = none\n     scheduler = wlc\n',
      '     protocol = tcp\n     timeout = 6\n     reentry = 15\n     quiesce_server = 0\n',
    )
    for (let s = 0; s < realServersEach; s++) {
      const at = v * realServersEach + s
      const weight = at % 997 === 0 ? 'many' : at % 101 === 0 ? '010' : '1'
      out.push(
        `     server rs${s} {\n         address = 10.${(at >> 16) & 127}.${(at >> 8) & 255}.${at & 255}\n         active = 1\n         weight = ${weight}\n     }\n`,
      )
    }
    out.push('}\n')
  }
  return out.join('')
}
