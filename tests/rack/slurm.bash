# SPDX-License-Identifier: Apache-2.0
# slurm.bash: a Slurm over hosts of hosts.bash, with everything of its own in a directory of the test. Sourced after
# hosts.bash.
#
#   slurm_make N     slurmctld and slurmd on n1, slurmd on n2 .. nN; after hosts_make. Sets SLURM_CONF

slurm_config() {
	cat >"$slurm_dir/slurm.conf" <<-EOF
		ClusterName=rack
		SlurmctldHost=n1
		SlurmUser=root
		SlurmdUser=root
		AuthType=auth/munge
		AuthInfo=socket=$slurm_dir/munge.socket
		CredType=cred/munge
		StateSaveLocation=$slurm_dir/state
		SlurmdSpoolDir=$slurm_dir/spool.%n
		SlurmctldPidFile=$slurm_dir/slurmctld.pid
		SlurmdPidFile=$slurm_dir/slurmd.%n.pid
		SlurmctldLogFile=$slurm_dir/slurmctld.log
		SlurmdLogFile=$slurm_dir/slurmd.%n.log
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/affinity
		SwitchType=switch/none
		MpiDefault=none
		ReturnToService=2
		SelectType=select/cons_tres
		SelectTypeParameters=CR_Core
		SlurmdTimeout=15
		KillWait=2
		LaunchParameters=enable_nss_slurm
		NodeName=n[1-$1] CPUs=$(nproc) State=UNKNOWN
		PartitionName=rack Nodes=ALL Default=YES MaxTime=INFINITE State=UP
	EOF
	printf 'CgroupPlugin=cgroup/v1\n' >"$slurm_dir/cgroup.conf"
}

slurm_make() {
	local k

	command -v munged slurmctld slurmd srun salloc >/dev/null || {
		echo 'skip: no Slurm here'
		exit 77
	}
	slurm_dir=$home/slurm
	mkdir -p "$slurm_dir/state"
	chmod 755 "$home" "$slurm_dir"
	slurm_config "$1"
	export SLURM_CONF=$slurm_dir/slurm.conf
	(umask 077 && head -c 1024 /dev/urandom >"$slurm_dir/munge.key")
	munged --force --socket="$slurm_dir/munge.socket" --key-file="$slurm_dir/munge.key" \
		--pid-file="$slurm_dir/munged.pid" --seed-file="$slurm_dir/munge.seed" --log-file="$slurm_dir/munged.log"
	on 1 slurmctld
	for ((k = 1; k <= $1; k++)); do
		on "$k" slurmd -N "n$k"
	done
	for ((k = 0; k < 100; k++)); do
		[ "$(on 1 sinfo -h -t idle -o %D 2>/dev/null)" = "$1" ] && return
		sleep 0.2
	done
	cat "$slurm_dir"/*.log
	return 1
}
