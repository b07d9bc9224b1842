// What a lab host's disk holds: the packages of a stock Debian server with the IPVS tools, the accounts, and the few files
// that turn a kernel command line into host name, addresses and gateway. Only text, so that its hash names the image.
// Shoal itself is not on it: putting Shoal on such a host is what the tests are about.

/** Both ordinary accounts have this password; root has none and takes the lab's key only. */
export const LAB_PASSWORD = 'shoal-lab'

export const IMAGE_VARIANTS = ['plain', 'keepalived'] as const
export type ImageVariant = (typeof IMAGE_VARIANTS)[number]

/** Enough for the packages (0.4 GB), the agent's runtime, and a test that fills the disk. */
export const DISK_MIB = 1600

export const SUITE = 'bookworm'

const PACKAGES = [
  'systemd-sysv',
  'dbus',
  'udev',
  'openssh-server',
  'sudo',
  'iproute2',
  'ipvsadm',
  'iputils-arping',
  'iputils-ping',
  'iptables',
  'arptables',
  'procps',
  'kmod',
  'curl',
  'ca-certificates',
  'nginx-light',
  'conntrack',
  'tcpdump',
  'gzip',
  'xz-utils',
]

/** Debian package names of a variant. keepalived is for side-by-side measurements only. */
export function packagesOf(variant: ImageVariant): readonly string[] {
  return variant === 'keepalived' ? [...PACKAGES, 'keepalived'] : PACKAGES
}

/** Units that only cost boot time in the lab, or need what a lab host lacks (a tty, a time server, a mirror). */
export const MASKED_UNITS: readonly string[] = [
  'getty@tty1.service',
  'getty-static.service',
  'serial-getty@tty0.service',
  'systemd-timesyncd.service',
  'systemd-pstore.service',
  'systemd-journal-flush.service',
  'systemd-random-seed.service',
  'systemd-sysusers.service',
  'systemd-update-utmp.service',
  'systemd-update-utmp-runlevel.service',
  'modprobe@configfs.service',
  'modprobe@dm_mod.service',
  'modprobe@drm.service',
  'modprobe@fuse.service',
  'modprobe@loop.service',
  'sys-fs-fuse-connections.mount',
  'sys-kernel-config.mount',
  'dev-mqueue.mount',
  'dev-hugepages.mount',
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
]

export type GuestFile = { readonly path: string; readonly mode: number; readonly text: string }

/** The script runs on every boot; what a host must keep (its name, its host keys) is written on the first one only. */
const START = `#!/bin/sh
# Host name, addresses and gateway from the kernel command line; on the first boot also what a host keeps.
for word in $(cat /proc/cmdline); do
  case $word in
    lab.host=*) host=\${word#*=} ;;
    lab.role=*) role=\${word#*=} ;;
    lab.gw=*) gateway=\${word#*=} ;;
    lab.ip[0-9]=*)
      device=\${word%%=*}; device=eth\${device#lab.ip}
      udevadm wait --timeout=20 "/sys/class/net/$device"
      ip addr add "\${word#*=}" brd + dev "$device"
      ip link set "$device" up ;;
  esac
done
ip link set lo up
[ -z "$gateway" ] || ip route add default via "$gateway"
if [ ! -e /var/lib/lab-first-boot-done ]; then
  echo "$host" >/etc/hostname
  printf '127.0.0.1\\tlocalhost\\n127.0.1.1\\t%s\\n' "$host" >/etc/hosts
  for kind in ed25519 ecdsa; do
    rm -f "/etc/ssh/ssh_host_\${kind}_key" "/etc/ssh/ssh_host_\${kind}_key.pub"
    ssh-keygen -q -t "$kind" -N '' -C "root@$host" -f "/etc/ssh/ssh_host_\${kind}_key"
  done
  if [ "$role" = real ]; then
    ln -sf /lib/systemd/system/nginx.service /etc/systemd/system/multi-user.target.wants/nginx.service
    systemctl --no-block start nginx.service
  fi
  : >/var/lib/lab-first-boot-done
  sync
fi
`

const START_UNIT = `[Unit]
Description=Name and addresses of this lab host
DefaultDependencies=no
After=systemd-udevd.service systemd-udev-trigger.service systemd-sysctl.service systemd-remount-fs.service
Before=network-pre.target network.target ssh.service nginx.service
Wants=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/lab-start

[Install]
WantedBy=sysinit.target
`

/** Every real server has the same file: nginx fills in the host's own name, which is how the probe tells them apart. */
const SITE = `server {
    listen 80 default_server;
    listen 443 default_server;
    access_log off;
    default_type text/plain;
    location / { return 200 "$hostname\\n"; }
    location = /health { return 200 "ok $hostname\\n"; }
}
`

/** This kernel calls its NICs vec0, vec1 …; udev renames them while it adds them, so per-NIC sysctls find them by name. */
function link(number: number): GuestFile {
  return {
    path: `etc/systemd/network/10-lab${number}.link`,
    mode: 0o644,
    text: `[Match]\nOriginalName=vec${number}\n\n[Link]\nName=eth${number}\nMACAddressPolicy=none\n`,
  }
}

/** Files laid over the packages. */
export const GUEST_FILES: readonly GuestFile[] = [
  { path: 'usr/local/sbin/lab-start', mode: 0o755, text: START },
  { path: 'etc/systemd/system/lab-start.service', mode: 0o644, text: START_UNIT },
  { path: 'etc/systemd/journald.conf.d/lab.conf', mode: 0o644, text: '[Journal]\nStorage=volatile\n' },
  { path: 'etc/nginx/sites-available/default', mode: 0o644, text: SITE },
  // A crash is a kill of the kernel process: the file system replays its journal on mount, a check adds only time.
  { path: 'etc/fstab', mode: 0o644, text: '/dev/ubda / ext4 defaults 0 0\n' },
  { path: 'etc/machine-id', mode: 0o444, text: '' },
  { path: 'etc/resolv.conf', mode: 0o644, text: '' },
  {
    // Of the devices that are there at the start only these two kinds matter to a lab host; the rest is a hundred consoles.
    path: 'etc/systemd/system/systemd-udev-trigger.service.d/lab.conf',
    mode: 0o644,
    text: `[Service]
ExecStart=
ExecStart=-udevadm trigger --type=devices --action=add --prioritized-subsystem=net --subsystem-match=net --subsystem-match=block
`,
  },
  link(0),
  link(1),
  link(2),
]

/** Run with sh inside the new root, once, while the image is built. */
export const FINISH = `set -e
update-alternatives --set iptables /usr/sbin/iptables-legacy
update-alternatives --set ip6tables /usr/sbin/ip6tables-legacy
update-alternatives --set arptables /usr/sbin/arptables-legacy
rm -f /etc/ssh/ssh_host_* /etc/hostname /etc/systemd/system/multi-user.target.wants/nginx.service
rm -f /etc/systemd/system/multi-user.target.wants/keepalived.service
mkdir -p /etc/systemd/system/sysinit.target.wants
ln -sf /etc/systemd/system/lab-start.service /etc/systemd/system/sysinit.target.wants/lab-start.service
ln -sf /lib/systemd/system/multi-user.target /etc/systemd/system/default.target
useradd --create-home --shell /bin/bash --groups sudo admin
useradd --create-home --shell /bin/bash guest
printf 'admin:%s\\nguest:%s\\n' '${LAB_PASSWORD}' '${LAB_PASSWORD}' | chpasswd
rm -rf /usr/share/doc /usr/share/man /usr/share/locale /usr/share/info /var/cache/debconf /var/log/journal
for kernel in /lib/modules/*; do depmod -a "\${kernel##*/}"; done
`
