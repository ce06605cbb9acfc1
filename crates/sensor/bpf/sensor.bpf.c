// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * What the kernel runs: it tells of programs that are executed, of tasks that come and go, of cgroups that are made, and
 * of the system calls that somebody asked for.
 *
 * Programs are told what to look at by maps; what a call means is known by the process that loads them alone. A program
 * puts a record together in a scratch buffer of its own and of its processor, then copies it into a ring. That it is not
 * interrupted by itself there is the kernel's promise (it counts and skips such runs, bpf_prog_info.recursion_misses).
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "record.h"
#include "maps.h"
#include "blobs.h"
#include "facts.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Tasks of the kernel's own, and threads that it adds to processes; neither is forked by a call. */
#define PF_KTHREAD 0x00200000
#define PF_IO_WORKER 0x00000010
#define PF_USER_WORKER 0x00004000
#define KERNELS (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER)

static __always_inline void begin(u8 *data, u16 kind, u64 time, u64 cgroup, u16 flags)
{
	struct sk_header *h = HEADER(data);
	u64 id = bpf_get_current_pid_tgid();
	u32 zero = 0;
	u64 *lost = bpf_map_lookup_elem(&losses, &zero);

	h->len = 0;
	h->kind = kind;
	h->flags = flags;
	h->time = time;
	h->cgroup = cgroup;
	h->tid = id;
	h->pid = id >> 32;
	h->lost = lost ? *lost : 0;
	h->cpu = bpf_get_smp_processor_id();
}

static __always_inline void account(u32 kind, long error)
{
	struct sk_count *count = bpf_map_lookup_elem(&counts, &kind);
	if (!count)
		return;
	__sync_fetch_and_add(&count->offered, 1);
	if (error) {
		u32 zero = 0;
		u64 *lost = bpf_map_lookup_elem(&losses, &zero);
		__sync_fetch_and_add(&count->dropped, 1);
		if (lost)
			__sync_fetch_and_add(lost, 1);
	}
}

static __always_inline void filtered(u32 kind)
{
	struct sk_count *count = bpf_map_lookup_elem(&counts, &kind);
	if (count)
		__sync_fetch_and_add(&count->filtered, 1);
}

/* Puts a record of up to `most` bytes into a ring, and counts it. */
#define SEND(ring, data, used, most, kind, flags)                                      \
	({                                                                             \
		u32 len_ = (used);                                                     \
		OPAQUE(len_);                                                          \
		if (len_ > (most))                                                     \
			len_ = (most);                                                 \
		HEADER(data)->len = len_;                                              \
		account(kind, bpf_ringbuf_output(&(ring), (data), len_, (flags)));     \
	})

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	u64 time = bpf_ktime_get_boot_ns();
	u32 cpu = bpf_get_smp_processor_id();
	struct sk_settings *set = get_settings();
	struct exec_scratch *s = bpf_map_lookup_elem(&exec_scratches, &cpu);
	if (!set || !s)
		return 0;

	begin(s->data, SK_KIND_EXEC, time, cgroup_of(task, set, true), 0);
	struct sk_task *out = (void *)(s->data + sizeof(struct sk_header));
	fill_task(out, task);
	s->head.used = sizeof(struct sk_header) + sizeof(struct sk_task);

	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	u64 start = BPF_CORE_READ(mm, arg_start), end = BPF_CORE_READ(mm, arg_end);
	exec_bytes(s, SK_TAG_ARGS, start, end - start, set->args);
	start = BPF_CORE_READ(mm, env_start);
	end = BPF_CORE_READ(mm, env_end);
	if (set->env)
		exec_bytes(s, SK_TAG_ENV, start, end - start, set->env);
	exec_text(s, SK_TAG_FILENAME, BPF_CORE_READ(bprm, filename), false);

	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	walk(&s->head, s->path, BPF_CORE_READ(fs, pwd.dentry), BPF_CORE_READ(fs, pwd.mnt));
	exec_path(s, SK_TAG_CWD);

	struct file *exe = BPF_CORE_READ(mm, exe_file);
	if (exe) {
		walk(&s->head, s->path, BPF_CORE_READ(exe, f_path.dentry), BPF_CORE_READ(exe, f_path.mnt));
		exec_path(s, SK_TAG_EXE);
		u32 at = s->head.used;
		if (at <= EXEC_ROOM) {
			u8 *blob = s->data + at;
			fill_file((struct sk_file *)(blob + 4), s->near, exe, s->head.path_flags);
			seal(blob, SK_TAG_FILE, sizeof(struct sk_file), false);
			s->head.used = at + 4 + sizeof(struct sk_file);
		}
	}
	SEND(priority, s->data, s->head.used, EXEC_ROOM + SK_TEXT, SK_KIND_EXEC, 0);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	u64 time = bpf_ktime_get_boot_ns();
	u32 cpu = bpf_get_smp_processor_id();
	struct sk_settings *set = get_settings();
	struct fork_scratch *s = bpf_map_lookup_elem(&fork_scratches, &cpu);
	struct mm_struct *mm = BPF_CORE_READ(child, mm);
	if (!set || !s || !mm || BPF_CORE_READ(child, flags) & KERNELS)
		return 0;

	/* clone3 may have put it into another cgroup than its parent's. */
	begin(s->data, SK_KIND_FORK, time, cgroup_of(child, set, false), 0);
	struct sk_task *out = (void *)(s->data + sizeof(struct sk_header));
	fill_task(out, child);
	u32 clone = 0;
	if (mm == BPF_CORE_READ(parent, mm))
		clone |= SK_CLONE_VM;
	if (BPF_CORE_READ(child, fs) == BPF_CORE_READ(parent, fs))
		clone |= SK_CLONE_FS;
	if (BPF_CORE_READ(child, files) == BPF_CORE_READ(parent, files))
		clone |= SK_CLONE_FILES;
	if (out->tid != out->pid)
		clone |= SK_CLONE_THREAD;
	if (BPF_CORE_READ(child, thread_pid, level) > BPF_CORE_READ(parent, thread_pid, level))
		clone |= SK_CLONE_NEWPID;
	out->clone = clone;
	s->head.used = sizeof(struct sk_header) + sizeof(struct sk_task);

	/* What the child's memory holds is still what its parent's does. */
	u64 start = BPF_CORE_READ(mm, arg_start), end = BPF_CORE_READ(mm, arg_end);
	fork_bytes(s, SK_TAG_ARGS, start, end - start, set->args);
	SEND(priority, s->data, s->head.used, FORK_ROOM + SK_TEXT, SK_KIND_FORK, 0);
	return 0;
}

/* Who gets the children of a process whose last thread ends. */
static __always_inline u32 reaper_of(struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	if (BPF_CORE_READ(signal, live.counter) > 0)
		return 0;
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	u32 level = BPF_CORE_READ(pid, level);
	if (level > 32)
		return 0;
	struct pid_namespace *namespace = 0;
	void *at = (void *)pid + bpf_core_field_offset(struct pid, numbers) + level * bpf_core_type_size(struct upid) +
		   bpf_core_field_offset(struct upid, ns);
	bpf_probe_read_kernel(&namespace, sizeof(namespace), at);
	struct task_struct *init = BPF_CORE_READ(namespace, child_reaper);
	if (BPF_CORE_READ_BITFIELD_PROBED(signal, has_child_subreaper)) {
		struct task_struct *above = BPF_CORE_READ(task, real_parent);
		for (int i = 0; i < 16; i++) {
			struct signal_struct *of = BPF_CORE_READ(above, signal);
			if (above == init || !above)
				break;
			if (BPF_CORE_READ_BITFIELD_PROBED(of, is_child_subreaper))
				return BPF_CORE_READ(above, tgid);
			above = BPF_CORE_READ(above, real_parent);
		}
	}
	return BPF_CORE_READ(init, tgid);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct {
		struct sk_header header;
		struct sk_exit exit;
	} record = {};
	struct sk_settings *set = get_settings();
	if (!set || BPF_CORE_READ(task, flags) & KERNELS)
		return 0;

	begin((u8 *)&record, SK_KIND_EXIT, bpf_ktime_get_boot_ns(), cgroup_of(task, set, true), 0);
	record.exit.code = BPF_CORE_READ(task, exit_code);
	record.exit.reaper = reaper_of(task);
	record.header.len = sizeof(record);
	account(SK_KIND_EXIT, bpf_ringbuf_output(&priority, &record, sizeof(record), 0));
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(on_cgroup, struct cgroup *cgroup, const char *path)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct fork_scratch *s = bpf_map_lookup_elem(&cgroup_scratches, &cpu);
	if (!s)
		return 0;
	begin(s->data, SK_KIND_CGROUP, bpf_ktime_get_boot_ns(), 0, 0);
	struct sk_cgroup *out = (void *)(s->data + sizeof(struct sk_header));
	out->id = BPF_CORE_READ(cgroup, kn, id);
	out->hierarchy = BPF_CORE_READ(cgroup, root, hierarchy_id);
	out->pad = 0;
	s->head.used = sizeof(struct sk_header) + sizeof(struct sk_cgroup);
	cgroup_text(s, SK_TAG_CGROUP, path, false);
	SEND(priority, s->data, s->head.used, FORK_ROOM + SK_TEXT, SK_KIND_CGROUP, 0);
	return 0;
}

#include "calls.h"
