# SPDX-License-Identifier: Apache-2.0
# sshd.bash: an sshd on hosts of hosts.bash, and an `ssh` first in PATH that knows them: keys and configuration of their
# own, no password, nothing of the user's. Sourced after hosts.bash.
#
#   sshd_make K...   on these hosts; after hosts_make

sshd_keys() {
	ssh_dir=$home/ssh
	mkdir -p "$ssh_dir" "$home/bin"
	mkdir -p /run/sshd # sshd wants it; in our own mounts
	ssh-keygen -q -t ed25519 -N '' -f "$ssh_dir/user"
	ssh-keygen -q -t ed25519 -N '' -f "$ssh_dir/host"
	cp "$ssh_dir/user.pub" "$ssh_dir/authorized_keys"
	printf '* %s\n' "$(cut -d ' ' -f 1,2 "$ssh_dir/host.pub")" >"$ssh_dir/known_hosts"
	cat >"$ssh_dir/config" <<-EOF
		Host *
		IdentityFile $ssh_dir/user
		IdentitiesOnly yes
		UserKnownHostsFile $ssh_dir/known_hosts
		GlobalKnownHostsFile /dev/null
		User root
	EOF
	cat >"$home/bin/ssh" <<-EOF
		#!/bin/sh
		exec $(command -v ssh) -F $ssh_dir/config "\$@"
	EOF
	chmod +x "$home/bin/ssh"
	export PATH=$home/bin:$PATH
}

sshd_make() {
	local k

	command -v sshd ssh-keygen >/dev/null || {
		echo 'skip: no sshd here'
		exit 77
	}
	sshd_keys
	for k in "$@"; do
		cat >"$ssh_dir/sshd$k" <<-EOF
			ListenAddress 10.77.0.$k
			HostKey $ssh_dir/host
			AuthorizedKeysFile $ssh_dir/authorized_keys
			PidFile none
			StrictModes no
			UsePAM no
			PasswordAuthentication no
			PermitRootLogin yes
			MaxStartups 100
			SetEnv HOME=$(hosts_home "$k") XDG_STATE_HOME=$(hosts_home "$k")/state XDG_CACHE_HOME=$(hosts_home "$k")/cache
		EOF
		on "$k" "$(command -v sshd)" -f "$ssh_dir/sshd$k"
	done
}
