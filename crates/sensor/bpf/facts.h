/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the kernel knows of files and tasks. */
#ifndef SEKISHO_FACTS_H
#define SEKISHO_FACTS_H

#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define FMODE_CREATED 0x100000
#define RLIMIT_NOFILE 7
#define PIDTYPE_PGID 2
#define PIDTYPE_SID 3

static __always_inline u64 nanoseconds(s64 seconds, s64 rest)
{
	return (u64)seconds * 1000000000ull + rest;
}

#define OF_INODE(member) NEAR_MEMBER(near, struct inode, inode, member)

/* `near` has room for NEAR bytes. */
static __noinline void fill_file(struct sk_file *out, u8 *near, struct file *file, u32 path_flags)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	READ_NEAR(near, struct inode, inode);
	struct super_block *sb = OF_INODE(i_sb);

	out->ino = OF_INODE(i_ino);
	out->dev = BPF_CORE_READ(sb, s_dev);
	out->mode = OF_INODE(i_mode);
	out->uid = OF_INODE(i_uid.val);
	out->gid = OF_INODE(i_gid.val);
	out->nlink = OF_INODE(i_nlink);
	if (bpf_core_field_exists(inode->i_mtime_sec)) {
		out->mtime = nanoseconds(OF_INODE(i_mtime_sec), OF_INODE(i_mtime_nsec));
		/* Since 6.13 the two upper bits say whether somebody asked for it. */
		u32 rest = OF_INODE(i_ctime_nsec) & 0x3fffffff;
		out->ctime = nanoseconds(OF_INODE(i_ctime_sec), rest);
	} else {
		struct inode___underscored *under = (void *)inode;
		struct inode___plain *plain = (void *)inode;
		struct timespec64 time = {};
		if (bpf_core_field_exists(under->__i_mtime))
			bpf_core_read(&time, sizeof(time), &under->__i_mtime);
		else
			bpf_core_read(&time, sizeof(time), &plain->i_mtime);
		out->mtime = nanoseconds(time.tv_sec, time.tv_nsec);
		if (bpf_core_field_exists(under->__i_ctime))
			bpf_core_read(&time, sizeof(time), &under->__i_ctime);
		else
			bpf_core_read(&time, sizeof(time), &plain->i_ctime);
		out->ctime = nanoseconds(time.tv_sec, time.tv_nsec);
	}

	u32 flags = 0;
	if (BPF_CORE_READ(file, f_mode) & FMODE_CREATED)
		flags |= SK_FILE_CREATED;
	if (path_flags & DETACHED)
		flags |= SK_FILE_DETACHED;
	if (BPF_CORE_READ(sb, s_magic) == OVERLAYFS_SUPER_MAGIC) {
		/*
		 * struct ovl_inode has the upper dentry behind the inode. Its type is in the description of a module on
		 * many kernels, where it is not found; the size of an inode always is.
		 */
		struct dentry *upper = 0;
		bpf_probe_read_kernel(&upper, sizeof(upper), (void *)inode + bpf_core_type_size(struct inode));
		flags |= upper ? SK_FILE_UPPER : SK_FILE_LOWER;
	}
	out->flags = flags;
}

static __always_inline u64 boottime_of(struct task_struct *task)
{
	if (bpf_core_field_exists(task->start_boottime))
		return BPF_CORE_READ(task, start_boottime);
	return BPF_CORE_READ((struct task_struct___real *)task, real_start_time);
}

/* The number of a pid in the namespace that it was made in. */
static __always_inline u32 inner(struct pid *pid)
{
	u32 level = BPF_CORE_READ(pid, level);
	struct upid upid = {};
	/* `numbers` is as long as the level asks for; 32 is the kernel's limit. */
	bpf_core_read(&upid.nr, sizeof(upid.nr), &pid->numbers[0].nr);
	if (level && level <= 32) {
		void *at = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
			   level * bpf_core_type_size(struct upid);
		bpf_probe_read_kernel(&upid.nr, sizeof(upid.nr), at);
	}
	return upid.nr;
}

static __noinline void fill_task(struct sk_task *out, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	const struct cred *cred = BPF_CORE_READ(task, cred);
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct pid *group = BPF_CORE_READ(signal, pids[PIDTYPE_PGID]);
	struct pid *session = BPF_CORE_READ(signal, pids[PIDTYPE_SID]);
	struct tty_struct *tty = BPF_CORE_READ(signal, tty);

	out->tid = BPF_CORE_READ(task, pid);
	out->pid = BPF_CORE_READ(task, tgid);
	out->ppid = BPF_CORE_READ(task, real_parent, tgid);
	out->vtid = inner(pid);
	out->vpid = inner(BPF_CORE_READ(leader, thread_pid));
	out->pgid = BPF_CORE_READ(group, numbers[0].nr);
	out->vpgid = inner(group);
	out->sid = BPF_CORE_READ(session, numbers[0].nr);
	out->vsid = inner(session);
	out->tty = 0;
	if (tty) {
		struct tty_driver *driver = BPF_CORE_READ(tty, driver);
		u32 minor = BPF_CORE_READ(driver, minor_start) + BPF_CORE_READ(tty, index);
		u32 major = BPF_CORE_READ(driver, major);
		/* As the kernel shows devices to programs. */
		out->tty = (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
	}
	out->uid = BPF_CORE_READ(cred, euid.val);
	out->gid = BPF_CORE_READ(cred, egid.val);
	out->loginuid = bpf_core_field_exists(task->loginuid) ? BPF_CORE_READ(task, loginuid.val) : (u32)-1;
	out->clone = 0;
	bpf_core_read(&out->cap_inheritable, 8, &cred->cap_inheritable);
	bpf_core_read(&out->cap_permitted, 8, &cred->cap_permitted);
	bpf_core_read(&out->cap_effective, 8, &cred->cap_effective);
	out->start = boottime_of(task);

	u32 level = BPF_CORE_READ(pid, level);
	out->namespace_start = 0;
	if (level <= 32) {
		struct pid_namespace *namespace = 0;
		void *at = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
			   level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, ns);
		bpf_probe_read_kernel(&namespace, sizeof(namespace), at);
		struct task_struct *init = BPF_CORE_READ(namespace, child_reaper);
		if (init)
			out->namespace_start = boottime_of(init);
	}
	out->maj_flt = BPF_CORE_READ(task, maj_flt);
	out->min_flt = BPF_CORE_READ(task, min_flt);
	out->vm_kib = mm ? BPF_CORE_READ(mm, total_vm) * 4 : 0;
	out->fdlimit = BPF_CORE_READ(signal, rlim[RLIMIT_NOFILE].rlim_cur);
	BPF_CORE_READ_INTO(&out->comm, task, comm);
}

/* `current`: whether the task is the one that runs. */
static __always_inline u64 cgroup_of(struct task_struct *task, struct sk_settings *set, bool current)
{
	u64 place = 64;
	if (set->hierarchy == SK_CGROUP_PIDS && bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		place = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	if (set->hierarchy == SK_CGROUP_MEMORY && bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		place = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	if (set->hierarchy == SK_CGROUP_CPUSET && bpf_core_enum_value_exists(enum cgroup_subsys_id, cpuset_cgrp_id))
		place = bpf_core_enum_value(enum cgroup_subsys_id, cpuset_cgrp_id);
	if (place == 64 && current)
		return bpf_get_current_cgroup_id();
	struct css_set *css = BPF_CORE_READ(task, cgroups);
	if (place == 64)
		return BPF_CORE_READ(css, dfl_cgrp, kn, id);
	struct cgroup_subsys_state *state = 0;
	bpf_probe_read_kernel(&state, sizeof(state),
			      (void *)css + bpf_core_field_offset(struct css_set, subsys) + place * sizeof(state));
	return BPF_CORE_READ(state, cgroup, kn, id);
}

/* Of the task that runs: its members are read without a call. */
static __always_inline struct file *file_of(struct task_struct *task, long fd)
{
	struct files_struct *files = task->files;
	struct fdtable *table = files ? files->fdt : 0;
	struct file *file = 0;
	if (!table || fd < 0 || fd >= table->max_fds)
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), table->fd + fd);
	return file;
}

#endif
