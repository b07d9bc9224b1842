/**
 * Problems of a host: reaching it, logging in, becoming root, running a step there, and what preflight finds on it. Each with its
 * sentence and remedy in every language.
 */
import type { Entry } from './speech.ts'

export const hostSpeech = {
  'host-name-unknown': {
    en: {
      says: 'The name {host} has no address: {reason}.',
      remedy: 'Check the spelling, or give the IP address instead.',
    },
    'zh-CN': { says: '主机名 {host} 无法解析：{reason}。', remedy: '请检查拼写，或改用 IP 地址。' },
  },
  'host-unreachable': {
    en: {
      says: 'No SSH connection to {host} port {port}: {reason}.',
      remedy: 'Check the address and the port, that the host is on, and that its firewall lets SSH in.',
    },
    'zh-CN': {
      says: '无法通过 SSH 连接 {host} 端口 {port}：{reason}。',
      remedy: '请检查地址和端口、主机是否开机，以及其防火墙是否放行 SSH。',
    },
  },
  'ssh-failed': {
    en: {
      says: 'The SSH conversation with {host} failed: {reason}.',
      remedy:
        'Check that an SSH server of 2018 or later answers at this port; older ones offer only SHA-1, which is refused.',
    },
    'zh-CN': {
      says: '与 {host} 的 SSH 会话失败：{reason}。',
      remedy: '请确认该端口上是 2018 年或更新的 SSH 服务；更旧的版本只提供 SHA-1，会被拒绝。',
    },
  },
  'login-refused': {
    en: {
      says: '{host} refused to log in {user} by {method}.',
      remedy: 'Check the user name and the password or key; the key must be in ~/.ssh/authorized_keys of {user} there.',
    },
    'zh-CN': {
      says: '{host} 拒绝用户 {user} 通过 {method} 登录。',
      remedy: '请检查用户名以及密码或密钥；密钥须在该主机 {user} 的 ~/.ssh/authorized_keys 中。',
    },
  },
  'password-needed': {
    en: { says: 'The password of {user} on {host} is not known here.', remedy: 'Enter the password again.' },
    'zh-CN': { says: '此处没有 {host} 上 {user} 的密码。', remedy: '请重新输入密码。' },
  },
  'passphrase-needed': {
    en: { says: 'The key {keyFile} is protected by a passphrase.', remedy: 'Enter the passphrase of the key.' },
    'zh-CN': { says: '密钥 {keyFile} 受口令保护。', remedy: '请输入该密钥的口令。' },
  },
  'passphrase-wrong': {
    en: { says: 'The passphrase does not open the key {keyFile}.', remedy: 'Enter the passphrase of the key again.' },
    'zh-CN': { says: '该口令无法解开密钥 {keyFile}。', remedy: '请重新输入该密钥的口令。' },
  },
  'key-unreadable': {
    en: {
      says: 'The private key {keyFile} cannot be read: {reason}.',
      remedy: 'Choose a private key file in OpenSSH or PEM form (not the .pub file) that you may read.',
    },
    'zh-CN': {
      says: '无法读取私钥 {keyFile}：{reason}。',
      remedy: '请选择您有权读取的 OpenSSH 或 PEM 格式私钥文件（不是 .pub 文件）。',
    },
  },
  'ssh-agent-absent': {
    en: {
      says: 'No SSH agent answers on this machine.',
      remedy: 'Start the agent and add your key with ssh-add, or log in with a key file or a password.',
    },
    'zh-CN': {
      says: '本机没有可用的 SSH 代理。',
      remedy: '请启动 SSH 代理并用 ssh-add 添加密钥，或改用密钥文件或密码登录。',
    },
  },
  'host-key-unknown': {
    en: {
      says: '{host} shows the host key {fingerprint} ({algorithm}), which is not known here.',
      remedy:
        'Compare it with the fingerprint on the host (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub), then accept it.',
    },
    'zh-CN': {
      says: '{host} 出示的主机密钥 {fingerprint}（{algorithm}）在此处未知。',
      remedy: '请与主机上的指纹核对（ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub），然后接受。',
    },
  },
  'host-key-changed': {
    en: {
      says: '{host} shows the host key {presented}, but {known} is the one known for it. Nothing was sent to it.',
      remedy:
        'If the host was installed anew, compare the new fingerprint on its console and remove the old entry ({file}, line {line}); otherwise somebody may be answering in its place.',
    },
    'zh-CN': {
      says: '{host} 出示的主机密钥为 {presented}，而已知的是 {known}。没有向它发送任何内容。',
      remedy:
        '若该主机是重新安装的，请在其控制台核对新指纹并删除旧条目（{file} 第 {line} 行）；否则可能有人冒充该主机应答。',
    },
  },
  'host-key-by-authority': {
    en: {
      says: '{file}, line {line}, trusts {host} by a certificate authority. Shoal compares plain host keys and checks no certificates. Nothing was sent to it.',
      remedy:
        'Add the own key of the host to ~/.ssh/known_hosts after comparing it on its console (ssh-keyscan {host} shows it); Shoal then uses that one.',
    },
    'zh-CN': {
      says: '{file} 第 {line} 行通过证书颁发机构信任 {host}。Shoal 只比对普通主机密钥，不检查证书。没有向它发送任何内容。',
      remedy:
        '请在主机控制台核对其自身密钥后（ssh-keyscan {host} 可显示），将其加入 ~/.ssh/known_hosts；Shoal 会使用该密钥。',
    },
  },
  'jump-failed': {
    en: {
      says: '{jump} could not connect on to {host} port {port}: {reason}.',
      remedy:
        'Log in to {jump} and try ssh to {host} from there; its sshd must allow TCP forwarding (AllowTcpForwarding).',
    },
    'zh-CN': {
      says: '{jump} 无法继续连接 {host} 端口 {port}：{reason}。',
      remedy: '请登录 {jump} 并从那里尝试 ssh 到 {host}；其 sshd 必须允许 TCP 转发（AllowTcpForwarding）。',
    },
  },
  'jump-circular': {
    en: {
      says: 'The way to {host} leads over {jump} again.',
      remedy: 'Correct ProxyJump in ~/.ssh/config, or write the way in the jump host field (none for straight).',
    },
    'zh-CN': {
      says: '到 {host} 的路径再次经过 {jump}。',
      remedy: '请更正 ~/.ssh/config 中的 ProxyJump，或在跳板主机一栏写明路径（直接连接写 none）。',
    },
  },
  'proxy-command': {
    en: {
      says: '~/.ssh/config reaches {host} by a command of its own: {command}. Shoal runs no such commands.',
      remedy: 'Write the way as ProxyJump there, or in the jump host field (none for straight).',
    },
    'zh-CN': {
      says: '~/.ssh/config 通过自定义命令连接 {host}：{command}。Shoal 不会运行此类命令。',
      remedy: '请在其中改用 ProxyJump，或在跳板主机一栏写明路径（直接连接写 none）。',
    },
  },
  'login-code-needed': {
    en: {
      says: '{host} asks {user} for a code: {question}.',
      remedy: 'Enter the code it sent or your device shows; it is used once and not kept.',
    },
    'zh-CN': {
      says: '{host} 向 {user} 索取验证码：{question}。',
      remedy: '请输入收到的或设备上显示的验证码；它只使用一次，不会保存。',
    },
  },
  'ssh-agent-empty': {
    en: {
      says: 'The SSH agent of this machine holds no key.',
      remedy: 'Add your key with ssh-add, or log in with a key file or a password.',
    },
    'zh-CN': { says: '本机的 SSH 代理中没有密钥。', remedy: '请用 ssh-add 添加密钥，或改用密钥文件或密码登录。' },
  },
  'connection-lost': {
    en: {
      says: 'The SSH connection to {host} was lost: {reason}.',
      remedy:
        'Check the network and the host. A build that was under way can be started again; what is done already is left alone.',
    },
    'zh-CN': {
      says: '与 {host} 的 SSH 连接已中断：{reason}。',
      remedy: '请检查网络和主机。进行中的部署可以重新开始；已完成的部分不会重复执行。',
    },
  },
  'command-timeout': {
    en: {
      says: '{host} did not finish a command within {seconds} s.',
      remedy: 'Look at the load and the disks of the host, then try again.',
    },
    'zh-CN': { says: '{host} 未能在 {seconds} 秒内完成命令。', remedy: '请检查主机的负载和磁盘，然后重试。' },
  },
  'command-failed': {
    en: {
      says: 'A command on {host} ended with status {exit}: {answer}.',
      remedy: 'The output above shows where it stopped. Nothing after it was run; correct the cause and start again.',
    },
    'zh-CN': {
      says: '{host} 上的命令以状态 {exit} 结束：{answer}。',
      remedy: '上方输出显示了停止的位置。其后的步骤均未执行；请排除原因后重新开始。',
    },
  },
  'no-root': {
    en: {
      says: '{user} cannot become root on {host}: {answer}.',
      remedy:
        'Log in as root, or add {user} to the sudo (Debian) or wheel (RHEL) group there, for example by the line: {user} ALL=(ALL) ALL in /etc/sudoers.d.',
    },
    'zh-CN': {
      says: '{user} 无法在 {host} 上取得 root 权限：{answer}。',
      remedy:
        '请以 root 登录，或在该主机上把 {user} 加入 sudo 组（Debian）或 wheel 组（RHEL），例如在 /etc/sudoers.d 中加入：{user} ALL=(ALL) ALL。',
    },
  },
  'sudo-password-needed': {
    en: { says: 'sudo on {host} asks for the password of {user}.', remedy: 'Enter the sudo password of {user}.' },
    'zh-CN': { says: '{host} 上的 sudo 需要 {user} 的密码。', remedy: '请输入 {user} 的 sudo 密码。' },
  },
  'sudo-password-wrong': {
    en: {
      says: 'sudo on {host} did not accept the password of {user}.',
      remedy: 'Enter the sudo password of {user} again.',
    },
    'zh-CN': { says: '{host} 上的 sudo 不接受 {user} 的密码。', remedy: '请重新输入 {user} 的 sudo 密码。' },
  },
  'disk-full': {
    en: {
      says: 'The disk of {host} is full; {what} was not written and what was there before is still in place.',
      remedy: 'Free space on {host} (df -h shows where), then start again.',
    },
    'zh-CN': {
      says: '{host} 的磁盘已满；{what} 未写入，原有内容保持不变。',
      remedy: '请在 {host} 上释放空间（可用 df -h 查看），然后重新开始。',
    },
  },
  'read-only-filesystem': {
    en: {
      says: '{what} cannot be written on {host}: the file system is read-only.',
      remedy: 'Look at dmesg on {host} for disk errors, or use an installation whose /etc can be written.',
    },
    'zh-CN': {
      says: '无法在 {host} 上写入 {what}：文件系统为只读。',
      remedy: '请在 {host} 上用 dmesg 检查磁盘错误，或使用 /etc 可写的系统。',
    },
  },
  'upload-failed': {
    en: {
      says: '{file} could not be copied to {host}: {reason}.',
      remedy: 'Check the free space of /tmp and the home directory there, then start again.',
    },
    'zh-CN': {
      says: '无法将 {file} 复制到 {host}：{reason}。',
      remedy: '请检查该主机 /tmp 和主目录的可用空间，然后重新开始。',
    },
  },
  'checksum-wrong': {
    en: {
      says: '{file} arrived on {host} with another checksum and was thrown away.',
      remedy: 'Start again; if it comes back, look at the memory and the disk of the host.',
    },
    'zh-CN': {
      says: '{file} 传到 {host} 后校验和不符，已丢弃。',
      remedy: '请重新开始；若再次出现，请检查该主机的内存和磁盘。',
    },
  },
  'answer-unreadable': {
    en: {
      says: '{host} answered something that cannot be read as {what}.',
      remedy: 'Look whether a login script of {user} prints text or replaces the shell, then try again.',
    },
    'zh-CN': {
      says: '{host} 的回答无法识别为{what}。',
      remedy: '请检查 {user} 的登录脚本是否输出文字或替换了 shell，然后重试。',
    },
  },

  'os-unknown': {
    en: {
      says: '{host} runs {os}, which is none of the Debian, RHEL and openSUSE families.',
      remedy: 'Install ipvsadm, iproute2 and kmod there yourself; the rest does not depend on the distribution.',
    },
    'zh-CN': {
      says: '{host} 运行 {os}，不属于 Debian、RHEL 或 openSUSE 系列。',
      remedy: '请自行在该主机安装 ipvsadm、iproute2 和 kmod；其余部分与发行版无关。',
    },
  },
  'no-systemd': {
    en: {
      says: 'The first process of {host} is {init}, not systemd.',
      remedy: 'Use a host whose services are run by systemd; the agent is started and watched by it.',
    },
    'zh-CN': {
      says: '{host} 的 1 号进程是 {init}，不是 systemd。',
      remedy: '请使用由 systemd 管理服务的主机；代理由它启动和守护。',
    },
  },
  'machine-unsupported': {
    en: {
      says: '{host} is a {machine}; the agent is built for {built}.',
      remedy: 'Use a director with one of these processors.',
    },
    'zh-CN': { says: '{host} 的架构为 {machine}；代理仅为 {built} 构建。', remedy: '请使用这些架构之一的调度器。' },
  },
  'disk-low': {
    en: {
      says: '{host} has {freeMb} MB free in {mount}; {neededMb} MB are needed.',
      remedy: 'Free space there before the build.',
    },
    'zh-CN': { says: '{host} 的 {mount} 只剩 {freeMb} MB；需要 {neededMb} MB。', remedy: '请在部署前释放空间。' },
  },
  'ip-vs-missing': {
    en: {
      says: 'The kernel {kernel} of {host} has no ip_vs module.',
      remedy:
        'Debian and Ubuntu: install linux-image-amd64 and reboot. RHEL family: dnf install kernel-modules. openSUSE: kernel-default. After a kernel upgrade a reboot may be all that is missing.',
    },
    'zh-CN': {
      says: '{host} 的内核 {kernel} 没有 ip_vs 模块。',
      remedy:
        'Debian 和 Ubuntu：安装 linux-image-amd64 并重启。RHEL 系列：dnf install kernel-modules。openSUSE：kernel-default。内核升级后可能只差一次重启。',
    },
  },
  'scheduler-missing': {
    en: {
      says: 'The kernel of {host} has no scheduler {scheduler} (ip_vs_{scheduler}).',
      remedy: 'Choose one of: {available}.',
    },
    'zh-CN': {
      says: '{host} 的内核没有调度算法 {scheduler}（ip_vs_{scheduler}）。',
      remedy: '请从以下算法中选择：{available}。',
    },
  },
  'tool-missing': {
    en: {
      says: '{host} has no {tool}.',
      remedy: 'The build installs the package {package} there from the repositories of the host.',
    },
    'zh-CN': { says: '{host} 上没有 {tool}。', remedy: '部署时会从该主机的软件源安装 {package}。' },
  },
  'tool-missing-block': {
    en: {
      says: '{host} has no {tool}, which the build cannot do without.',
      remedy: 'Install the package {package} there.',
    },
    'zh-CN': { says: '{host} 上没有部署必需的 {tool}。', remedy: '请在该主机上安装 {package}。' },
  },
  'arping-missing': {
    en: {
      says: '{host} has no arping of iputils; whether {vip} is free on the segment was not asked from there.',
      remedy:
        'Install iputils-arping (Debian) or iputils (RHEL, openSUSE) there, or make sure yourself that the address is free.',
    },
    'zh-CN': {
      says: '{host} 没有 iputils 的 arping；未能从该主机查询 {vip} 在网段上是否空闲。',
      remedy: '请在该主机安装 iputils-arping（Debian）或 iputils（RHEL、openSUSE），或自行确认该地址空闲。',
    },
  },
  'rival-present': {
    en: {
      says: '{rival} is {state} on {host}; it also moves virtual IPs or changes the IPVS table.',
      remedy:
        'If it is no longer needed, agree that the build stops it, or: systemctl disable --now {rival}. Shoal never does so unasked.',
    },
    'zh-CN': {
      says: '{host} 上的 {rival} 处于 {state} 状态；它同样会移动虚拟 IP 或修改 IPVS 表。',
      remedy: '如果不再需要，可同意由部署停止它，或执行：systemctl disable --now {rival}。未经同意 Shoal 不会停止它。',
    },
  },
  'foreign-ipvs-table': {
    en: {
      says: 'The IPVS table of {host} has {count} virtual services that are not of this cluster: {services}.',
      remedy: 'Find out who made them; the agent leaves them alone unless they use the same virtual IP and port.',
    },
    'zh-CN': {
      says: '{host} 的 IPVS 表中有 {count} 个不属于本集群的虚拟服务：{services}。',
      remedy: '请查明其来源；除非使用相同的虚拟 IP 和端口，代理不会改动它们。',
    },
  },
  'vip-on-host': {
    en: {
      says: '{host} already has {vip} on {device}.',
      remedy:
        'Choose another virtual IP, or remove this one there (ip addr del {vip}/{prefix} dev {device}) and from its network configuration.',
    },
    'zh-CN': {
      says: '{host} 的 {device} 上已有 {vip}。',
      remedy: '请选择其他虚拟 IP，或在该主机上将其移除（ip addr del {vip}/{prefix} dev {device}）并从网络配置中删除。',
    },
  },
  'vip-answered': {
    en: {
      says: 'Asked by {host}, the machine with the MAC address {mac} answers for {vip}.',
      remedy:
        'Find that machine (its MAC address is in the switch table) and free the address, or choose another virtual IP.',
    },
    'zh-CN': {
      says: '{host} 询问时，MAC 地址为 {mac} 的机器应答了 {vip}。',
      remedy: '请找到那台机器（交换机表中可查其 MAC 地址）并释放该地址，或选择其他虚拟 IP。',
    },
  },
  'address-not-held': {
    en: {
      says: '{host} could not take {address} on {device}: {reason}',
      remedy: 'Look at the card there, then try again.',
    },
    'zh-CN': {
      says: '{host} 无法在 {device} 上持有 {address}：{reason}',
      remedy: '请检查该网卡后重试。',
    },
  },
  'vip-in-static-config': {
    en: {
      says: '{file} on {host} names the virtual IP {vip}; the network configuration would put it on both directors at boot.',
      remedy: 'Remove the address from that file; the agent alone adds and removes it.',
    },
    'zh-CN': {
      says: '{host} 的 {file} 中写有虚拟 IP {vip}；开机时网络配置会把它加到两台调度器上。',
      remedy: '请从该文件中删除此地址；它只由代理添加和移除。',
    },
  },
  'vip-in-static-config-real': {
    en: {
      says: '{file} on {host} already names the virtual IP {vip}.',
      remedy:
        'Keep one owner only: remove it from that file if it puts the address on a network card; on lo it does no harm.',
    },
    'zh-CN': {
      says: '{host} 的 {file} 中已写有虚拟 IP {vip}。',
      remedy: '请只保留一处：如果它把地址加在网卡上，请从该文件中删除；加在 lo 上则无碍。',
    },
  },
  'device-missing': {
    en: {
      says: '{host} has no network card {device}; it has {available}.',
      remedy: 'Choose a network card that both directors have.',
    },
    'zh-CN': { says: '{host} 没有网卡 {device}；现有 {available}。', remedy: '请选择两台调度器都有的网卡。' },
  },
  'device-down': {
    en: {
      says: 'The network card {device} of {host} has no link.',
      remedy: 'Check the cable or the virtual switch of {host}.',
    },
    'zh-CN': { says: '{host} 的网卡 {device} 没有链路。', remedy: '请检查 {host} 的网线或虚拟交换机。' },
  },
  'address-not-on-host': {
    en: {
      says: '{host} does not have the address {address}; it has {available}.',
      remedy: 'Give the address this host has in the cluster.',
    },
    'zh-CN': { says: '{host} 没有地址 {address}；现有 {available}。', remedy: '请填写该主机在集群中的地址。' },
  },
  'vip-outside-subnet': {
    en: {
      says: 'No network of {device} on {host} contains {vip}; it has {subnets}.',
      remedy: 'Choose a virtual IP inside the subnet of that card, or route the address to both directors.',
    },
    'zh-CN': {
      says: '{host} 的 {device} 上没有包含 {vip} 的网段；现有 {subnets}。',
      remedy: '请选择该网卡子网内的虚拟 IP，或将该地址路由到两台调度器。',
    },
  },
  'other-segment': {
    en: {
      says: '{host} gets no answer by ARP from {other} ({address}): they are not on one segment.',
      remedy:
        'Direct routing needs directors and real servers on one Ethernet segment; connect them, or use NAT or TUN.',
    },
    'zh-CN': {
      says: '{host} 通过 ARP 得不到 {other}（{address}）的应答：它们不在同一网段。',
      remedy: '直接路由要求调度器和真实服务器位于同一以太网段；请连接到同一网段，或使用 NAT 或 TUN。',
    },
  },
  'segment-through-another': {
    en: {
      says: 'Asked by {host}, {address} answers with the MAC address {mac}, which is not one of {other}.',
      remedy:
        'A router with proxy ARP or a second machine with that address stands between; direct routing needs one segment.',
    },
    'zh-CN': {
      says: '{host} 询问时，{address} 以 MAC 地址 {mac} 应答，而它不属于 {other}。',
      remedy: '中间有启用代理 ARP 的路由器，或另有机器使用该地址；直接路由要求同一网段。',
    },
  },
  'duplicate-mac': {
    en: {
      says: '{host} and {other} have the same MAC address {mac}.',
      remedy: 'One is a copy of the other; give one virtual machine a new MAC address.',
    },
    'zh-CN': {
      says: '{host} 与 {other} 的 MAC 地址相同：{mac}。',
      remedy: '其中一台是克隆的；请为其中一台虚拟机更换 MAC 地址。',
    },
  },
  'duplicate-machine-id': {
    en: {
      says: '{host} and {other} have the same machine id.',
      remedy:
        'One is a copy of the other: rm /etc/machine-id && systemd-machine-id-setup on one of them, then reboot it.',
    },
    'zh-CN': {
      says: '{host} 与 {other} 的 machine-id 相同。',
      remedy: '其中一台是克隆的：在其中一台执行 rm /etc/machine-id && systemd-machine-id-setup，然后重启。',
    },
  },
  'same-host': {
    en: { says: '{host} and {other} are the same machine.', remedy: 'Give each its own machine.' },
    'zh-CN': { says: '{host} 与 {other} 是同一台机器。', remedy: '请为每个角色使用单独的机器。' },
  },
  'service-not-on-vip': {
    en: {
      says: '{process} on {host} listens on {address}:{port} only; requests for {vip} would be refused.',
      remedy: 'Let it listen on 0.0.0.0 (or on {vip} as well), then check again.',
    },
    'zh-CN': {
      says: '{host} 上的 {process} 只监听 {address}:{port}；发往 {vip} 的请求会被拒绝。',
      remedy: '请让它监听 0.0.0.0（或同时监听 {vip}），然后重新检查。',
    },
  },
  'service-not-listening': {
    en: {
      says: 'Nothing on {host} listens on {protocol} port {port} yet.',
      remedy: 'Start the service; until then the health check keeps {host} out of the table.',
    },
    'zh-CN': {
      says: '{host} 上还没有进程监听 {protocol} 端口 {port}。',
      remedy: '请启动该服务；在此之前健康检查不会让 {host} 进入转发表。',
    },
  },
  'route-via-director': {
    en: {
      says: 'The default route of {host} goes through {gateway}, which is the director {director}.',
      remedy:
        'With direct routing the answers must go past the directors: set the default route of {host} to the router.',
    },
    'zh-CN': {
      says: '{host} 的默认路由经过 {gateway}，即调度器 {director}。',
      remedy: '使用直接路由时，应答必须绕过调度器：请将 {host} 的默认路由指向路由器。',
    },
  },
  'clock-skew': {
    en: {
      says: 'The clock of {host} differs from that of this machine by {seconds} s.',
      remedy: 'Start time synchronisation (chrony or systemd-timesyncd); the history would be out of order.',
    },
    'zh-CN': {
      says: '{host} 的时钟与本机相差 {seconds} 秒。',
      remedy: '请启用时间同步（chrony 或 systemd-timesyncd）；否则历史记录的顺序会错乱。',
    },
  },
  'sysctl-overridden': {
    en: {
      says: '{file} on {host} sets {key} = {value}.',
      remedy:
        'Shoal writes {wanted} in a file that is read later and wins; remove the other line so that nobody is misled.',
    },
    'zh-CN': {
      says: '{host} 的 {file} 设置了 {key} = {value}。',
      remedy: 'Shoal 会在更后读取的文件中写入 {wanted} 并生效；请删除另一处设置以免误导。',
    },
  },
  'garp-dropped': {
    en: {
      says: '{host} drops gratuitous ARP ({key} = 1); after a takeover it would go on sending to the old director.',
      remedy: 'Set {key} = 0 on {host}.',
    },
    'zh-CN': {
      says: '{host} 丢弃免费 ARP（{key} = 1）；接管之后它仍会发往原来的调度器。',
      remedy: '请在 {host} 上设置 {key} = 0。',
    },
  },
  'firewall-active': {
    en: {
      says: '{firewall} is active on {host}.',
      remedy: 'Let UDP port {heartbeatPort} between the directors and the service ports ({ports}) pass.',
    },
    'zh-CN': {
      says: '{host} 上启用了 {firewall}。',
      remedy: '请放行调度器之间的 UDP 端口 {heartbeatPort} 以及服务端口（{ports}）。',
    },
  },
  'os-immutable': {
    en: {
      says: 'The system of {host} is replaced as a whole and takes no packages or files in /etc the usual way.',
      remedy: 'Use a host with an ordinary installation for the cluster.',
    },
    'zh-CN': {
      says: '{host} 的系统以整体方式更新，不能按常规方式安装软件包或写入 /etc。',
      remedy: '请为集群使用常规安装的主机。',
    },
  },
  'selinux-enforcing': {
    en: {
      says: 'SELinux is enforcing on {host}; the agent runs there as an unconfined service.',
      remedy: 'Nothing is to be done. Should a check be refused, ausearch -m avc -ts recent names it.',
    },
    'zh-CN': {
      says: '{host} 上 SELinux 为 enforcing；代理以不受限服务运行。',
      remedy: '无需操作。若有检查被拒绝，可用 ausearch -m avc -ts recent 查看。',
    },
  },
  'apparmor-enforced': {
    en: {
      says: 'AppArmor confines {programs} on {host}, which Shoal calls there.',
      remedy:
        'Look at what the profile allows (/etc/apparmor.d). Should a step or a check be refused, journalctl -k -g apparmor names it; aa-complain lets it pass.',
    },
    'zh-CN': {
      says: '{host} 上的 AppArmor 限制了 Shoal 需要调用的程序：{programs}。',
      remedy:
        '请查看配置文件（/etc/apparmor.d）允许的内容。若有步骤或检查被拒绝，可用 journalctl -k -g apparmor 查看；aa-complain 可将其放行。',
    },
  },
  'firewall-opened': {
    en: {
      says: '{firewall} refuses unknown packets on {host}; the build opens it by {tool} for the cluster.',
      remedy: 'Look at the step in the plan; taking the build back closes it again.',
    },
    'zh-CN': {
      says: '{host} 上的 {firewall} 拒绝未知数据包；部署时会通过 {tool} 为集群放行。',
      remedy: '请查看计划中的步骤；撤回部署会恢复原状。',
    },
  },
  'firewalld-forward': {
    en: {
      says: 'firewalld on {host} decides what is forwarded between {cards}; the build opens only what is addressed to the host itself.',
      remedy:
        'Allow forwarding between their zones: firewall-cmd --permanent --new-policy shoal, add the zones as ingress and egress, set the target ACCEPT, then firewall-cmd --reload.',
    },
    'zh-CN': {
      says: '{host} 上的 firewalld 决定 {cards} 之间的转发；部署只放行发往主机自身的数据包。',
      remedy:
        '请允许这些区域之间的转发：firewall-cmd --permanent --new-policy shoal，添加入口和出口区域，目标设为 ACCEPT，然后 firewall-cmd --reload。',
    },
  },
  'lvscf-changed-there': {
    en: {
      says: '{file} on {host} has been changed since Shoal wrote it. This plan writes it anew: {count} of its lines go.',
      remedy:
        'Look at those lines. What the wizard can say, say there first; what it cannot (`# shoal: address6` …) has to be written again on both directors afterwards.',
    },
    'zh-CN': {
      says: '{host} 上的 {file} 在 Shoal 写入之后被修改过。本计划会重新写入该文件：其中 {count} 行将丢失。',
      remedy:
        '请查看这些行。向导能表达的，请先在向导中填写；不能表达的（如 `# shoal: address6`），需在之后于两台调度器上重新写入。',
    },
  },
  'director-in-container': {
    en: {
      says: '{host} is a container ({container}): its kernel modules and kernel values belong to another host.',
      remedy: 'Load ip_vs on the machine it runs on, or use a virtual machine as director.',
    },
    'zh-CN': {
      says: '{host} 是容器（{container}）：内核模块和参数属于其宿主机。',
      remedy: '请在宿主机上加载 ip_vs，或使用虚拟机作为调度器。',
    },
  },
  'cloud-network': {
    en: {
      says: '{host} runs at {cloud}, whose network drops packets of addresses it was not told of.',
      remedy:
        'Have {vip} allowed for both directors there (allowed address pairs, secondary address, source/destination check off) before the build; “Try it on the network”, beside the address, shows whether it is.',
    },
    'zh-CN': {
      says: '{host} 运行在 {cloud} 上，其网络会丢弃未登记地址的数据包。',
      remedy:
        '部署前请在该平台上为两台调度器放行 {vip}（允许的地址对、辅助地址、关闭源/目的检查）；地址旁的“在网络上试用”会显示是否已放行。',
    },
  },
  'masquerade-found': {
    en: {
      says: '{host} rewrites the source of what it forwards ({rule}).',
      remedy: 'Exempt what comes from the real servers, or answers may leave with another address than the virtual IP.',
    },
    'zh-CN': {
      says: '{host} 会改写所转发数据包的源地址（{rule}）。',
      remedy: '请排除来自真实服务器的数据包，否则应答可能以虚拟 IP 之外的地址发出。',
    },
  },
  'lro-on': {
    en: {
      says: '{device} on {host} joins received packets (large-receive-offload); what is forwarded again is too long then.',
      remedy: 'Turn it off: ethtool -K {device} lro off, and in the network configuration.',
    },
    'zh-CN': {
      says: '{host} 的 {device} 会合并收到的数据包（large-receive-offload）；再转发时会过长。',
      remedy: '请关闭：ethtool -K {device} lro off，并写入网络配置。',
    },
  },
  'proxy-arp-on': {
    en: {
      says: '{host} answers ARP for other machines ({key} = 1); it would answer for the virtual IP as well.',
      remedy: 'Set {key} = 0 on {host}.',
    },
    'zh-CN': {
      says: '{host} 会代其他机器应答 ARP（{key} = 1）；也会应答虚拟 IP。',
      remedy: '请在 {host} 上设置 {key} = 0。',
    },
  },
  'heartbeat-port-taken': {
    en: {
      says: '{process} on {host} already uses UDP port {port}, the port of the heartbeat.',
      remedy: 'Stop it, or let it use another port.',
    },
    'zh-CN': { says: '{host} 上的 {process} 已占用心跳端口 UDP {port}。', remedy: '请停止它，或让它使用其他端口。' },
  },
  'rival-stopped': {
    en: {
      says: '{rival} is {state} on {host}; the build stops and disables it, as you agreed.',
      remedy: 'Take the agreement back to leave it alone; the build is then refused.',
    },
    'zh-CN': {
      says: '{host} 上的 {rival} 处于 {state} 状态；经您同意，部署时会停止并禁用它。',
      remedy: '撤销同意即可保留它，但部署会被拒绝。',
    },
  },
  'ipip-missing': {
    en: {
      says: 'The kernel {kernel} of {host} cannot unwrap IP in IP (module ipip).',
      remedy:
        "Install the kernel's extra modules (RHEL family: kernel-modules-extra), or choose another forwarding method.",
    },
    'zh-CN': {
      says: '{host} 的内核 {kernel} 无法解开 IP in IP（模块 ipip）。',
      remedy: '请安装内核附加模块（RHEL 系列：kernel-modules-extra），或选择其他转发方式。',
    },
  },
  'redirect-left': {
    en: {
      says: '{host} redirects packets to {vip} ({rule}); this is left from another way of being a real server.',
      remedy: 'Remove the rule; one way is enough.',
    },
    'zh-CN': {
      says: '{host} 会重定向发往 {vip} 的数据包（{rule}），这是另一种真实服务器设置方式的遗留。',
      remedy: '请删除该规则；保留一种方式即可。',
    },
  },
  'load-port-taken': {
    en: {
      says: '{process} on {host} already uses TCP port {port}, on which the load would be told.',
      remedy: 'Stop it, or leave the weights as they are.',
    },
    'zh-CN': {
      says: '{host} 上的 {process} 已占用报告负载所用的 TCP 端口 {port}。',
      remedy: '请停止它，或保持固定权重。',
    },
  },
  'router-not-beside': {
    en: {
      says: '{host} has no card in the network of {router}, the gateway of the real servers; it has {networks}.',
      remedy: 'Give the real servers and the router address one network, or choose TUN.',
    },
    'zh-CN': {
      says: '{host} 没有处于真实服务器网关 {router} 所在网络的网卡；现有 {networks}。',
      remedy: '请让真实服务器与该网关处于同一网络，或选择 TUN。',
    },
  },
  'answers-go-straight': {
    en: {
      says: '{host} is in the network of {vip} itself: clients there would get their answers straight, and drop them.',
      remedy: 'Choose policy route for the answers, or direct routing.',
    },
    'zh-CN': {
      says: '{host} 与 {vip} 处于同一网络：那里的客户端会直接收到应答并将其丢弃。',
      remedy: '请为应答选择策略路由，或使用直接路由。',
    },
  },
  'policy-rules-found': {
    en: {
      says: '{host} has {count} policy rules of its own, the first: {rule}.',
      remedy:
        'Make sure that answers to clients are not sent another way by them: ip route get CLIENT from the address of the host.',
    },
    'zh-CN': {
      says: '{host} 已有 {count} 条自己的策略规则，第一条：{rule}。',
      remedy: '请确认应答不会因此走其他路径：使用 ip route get 客户端 from 主机地址。',
    },
  },
  'tunnel-mtu': {
    en: {
      says: 'From {host} packets of {mtu} bytes reach {other}, wrapped ones need {needed}.',
      remedy:
        'Raise the MTU on the way, or have real servers offer a smaller segment: ip route change default … advmss {mss}. Clients behind a filter for ICMP hang otherwise.',
    },
    'zh-CN': {
      says: '从 {host} 到 {other} 只能通过 {mtu} 字节的数据包，封装后需要 {needed} 字节。',
      remedy:
        '请提高沿途 MTU，或让真实服务器通告更小的分段：ip route change default … advmss {mss}。否则过滤 ICMP 的客户端会卡住。',
    },
  },
  'other-beats': {
    en: {
      says: 'Other clusters beat on {device}, heard by {host}: {beats}.',
      remedy:
        'Make sure that none of them owns {vip}. Their beats do not disturb this cluster: its own are sealed with its key.',
    },
    'zh-CN': {
      says: '{host} 在 {device} 上收到其他集群的心跳：{beats}。',
      remedy: '请确认它们都不拥有 {vip}。它们的心跳不会影响本集群：本集群的心跳以自己的密钥签封。',
    },
  },
  'heartbeat-lossy': {
    en: {
      says: 'Of {sent} packets from {local} to {remote}, {lost} were lost, the slowest took {worstMs} ms.',
      remedy:
        'Look at the cables and cards between the directors; a deadtime of {deadtimeMs} ms takes lost beats for a death.',
    },
    'zh-CN': {
      says: '从 {local} 到 {remote} 的 {sent} 个数据包丢失 {lost} 个，最慢的用时 {worstMs} 毫秒。',
      remedy: '请检查调度器之间的线路和网卡；{deadtimeMs} 毫秒的失效时间会把丢失的心跳当作失效。',
    },
  },
  'address-by-dhcp': {
    en: {
      says: '{address} on {host} comes from DHCP and may change.',
      remedy: 'Reserve the address for {host} in the DHCP server, or set it statically.',
    },
    'zh-CN': {
      says: '{host} 的 {address} 来自 DHCP，可能会变化。',
      remedy: '请在 DHCP 服务器中为 {host} 保留该地址，或改为静态配置。',
    },
  },
  'replaces-lvscf': {
    en: {
      says: '{host} already has an lvs.cf; the build replaces it and keeps a copy under {kept}.',
      remedy: 'Look at the difference in the plan before you start.',
    },
    'zh-CN': {
      says: '{host} 上已有 lvs.cf；部署会替换它，并在 {kept} 下保留副本。',
      remedy: '开始之前请查看执行计划中的差异。',
    },
  },
  'set-up-by-hand': {
    en: {
      says: '{host} is set up by you.',
      remedy:
        'Run the script shown here on {host} as root (Windows: as administrator) before the build; the proof at the end shows whether it worked.',
    },
    'zh-CN': {
      says: '{host} 由您自行设置。',
      remedy: '请在部署前以 root（Windows：管理员）身份在 {host} 上运行此处显示的脚本；最后的验证会显示是否生效。',
    },
  },
} as const satisfies Record<string, Entry>

export type HostCode = keyof typeof hostSpeech
