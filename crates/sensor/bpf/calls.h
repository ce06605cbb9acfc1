/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* System calls: what is done on leaving one is said by its plan (record.h). */
#ifndef SEKISHO_CALLS_H
#define SEKISHO_CALLS_H

#define TS_COMPAT 0x0002
#define X32_BIT 0x40000000
#define SOCKETCALL_I386 102
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define FMODE_WRITE 0x2
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10

static __always_inline struct sk_call *call_of(struct call_scratch *s)
{
	return (void *)(s->data + sizeof(struct sk_header));
}

/* The argument with this number, or the result. */
static __always_inline u64 argument(struct sk_call *call, u32 number)
{
	return number < 6 ? call->args[number] : (u64)call->ret;
}

/* Appends up to `len` bytes of the kernel's memory; `len` is at most 128. */
static __noinline void call_kernel(struct call_scratch *s, u16 tag, const void *from, u32 len)
{
	u32 at = s->head.used;
	FULL(s, CALL_ROOM);
	OPAQUE(len);
	if (len > 128)
		return;
	u8 *blob = s->data + at;
	if (bpf_probe_read_kernel(blob + 4, len, from))
		return;
	seal(blob, tag, len, false);
	s->head.used = at + 4 + len;
}

static __always_inline void put_unix_path(struct call_scratch *s, u16 tag, struct sock *sk)
{
	struct unix_address *address = BPF_CORE_READ((struct unix_sock *)sk, addr);
	if (!address)
		return;
	u32 len = BPF_CORE_READ(address, len);
	if (len > 2)
		call_kernel(s, tag, (void *)address + bpf_core_field_offset(struct unix_address, name) + 2, len - 2);
}

static __always_inline struct sock *sock_of(struct file *file)
{
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

static __always_inline void ends_of(struct sock *sk, u16 family, u8 *local, u8 *remote)
{
	if (family == AF_INET) {
		u32 *l = (u32 *)local, *r = (u32 *)remote;
		l[0] = r[0] = l[1] = r[1] = 0;
		l[2] = r[2] = 0xffff0000;
		l[3] = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		r[3] = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	} else if (family == AF_INET6) {
		BPF_CORE_READ_INTO((struct in6_addr *)local, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO((struct in6_addr *)remote, sk, __sk_common.skc_v6_daddr);
	}
}

static __noinline void put_socket(struct call_scratch *s, struct sock *sk)
{
	u32 at = s->head.used;
	FULL(s, CALL_ROOM);
	u8 *blob = s->data + at;
	struct sk_socket *out = (void *)(blob + 4);
	__builtin_memset(out, 0, sizeof(*out));
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	out->family = family;
	out->type = BPF_CORE_READ(sk, sk_type);
	out->protocol = BPF_CORE_READ(sk, sk_protocol);
	out->backlog = BPF_CORE_READ(sk, sk_ack_backlog);
	out->max_backlog = BPF_CORE_READ(sk, sk_max_ack_backlog);
	struct sock *peer = 0;
	if (family == AF_UNIX) {
		peer = BPF_CORE_READ((struct unix_sock *)sk, peer);
		out->self = (u64)sk;
		out->peer = (u64)peer;
	} else {
		u16 port = BPF_CORE_READ(sk, __sk_common.skc_dport);
		out->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
		out->remote_port = __builtin_bswap16(port);
		ends_of(sk, family, out->local, out->remote);
	}
	seal(blob, SK_TAG_SOCKET, sizeof(*out), false);
	s->head.used = at + 4 + sizeof(*out);
	if (family == AF_UNIX) {
		put_unix_path(s, SK_TAG_LOCAL, sk);
		if (peer)
			put_unix_path(s, SK_TAG_REMOTE, peer);
	}
}

/* The first buffer of an iovec. */
static __noinline void put_vector(struct call_scratch *s, u64 vector, u32 most)
{
	u64 pair[2] = {};
	if (HEADER(s->data)->flags & SK_I386) {
		u32 small[2] = {};
		bpf_probe_read_user(small, sizeof(small), (void *)vector);
		pair[0] = small[0];
		pair[1] = small[1];
	} else {
		bpf_probe_read_user(pair, sizeof(pair), (void *)vector);
	}
	s64 done = call_of(s)->ret;
	u64 len = pair[1];
	if (done > 0 && (u64)done < len)
		len = done;
	if (pair[0])
		call_bytes(s, SK_TAG_DATA, pair[0], len, most);
}

static __noinline void put_message(struct call_scratch *s, u64 message, u32 most)
{
	u64 head[4] = {};
	if (HEADER(s->data)->flags & SK_I386) {
		u32 small[4] = {};
		bpf_probe_read_user(small, sizeof(small), (void *)message);
		for (int i = 0; i < 4; i++)
			head[i] = small[i];
	} else {
		bpf_probe_read_user(head, sizeof(head), (void *)message);
	}
	u32 len = head[1];
	if (head[0] && len)
		call_bytes(s, SK_TAG_ADDRESS, head[0], len, 128);
	if (head[2] && head[3])
		put_vector(s, head[2], most);
}

/* Whether a filter holds an open back. Walks the path where it has to; whoever goes on need not do so again. */
static __noinline bool open_filtered(struct call_scratch *s, struct sk_settings *set, struct file *file)
{
	s->head.path_flags = 0;
	if (!file)
		return !(set->any & SK_KEEP_FAILED);
	READ_NEAR(s->near, struct file, file);
	u32 mode = NEAR_MEMBER(s->near, struct file, file, f_mode);
	u32 kind = mode & FMODE_WRITE ? SK_KEEP_WRITE : SK_KEEP_READ;
	if (mode & FMODE_CREATED)
		kind |= SK_KEEP_WRITE;
	if (!(set->any & kind))
		return true;
	walk(&s->head, s->path, NEAR_MEMBER(s->near, struct file, file, f_path.dentry),
	     NEAR_MEMBER(s->near, struct file, file, f_path.mnt));
	/* Of a path without its beginning no prefix says anything. */
	if (s->head.path_flags & CUT_OFF)
		return false;
	s->prefix.bits = SK_PREFIX * 8;
	u32 from = s->head.path_at & (PATH_END - 1);
	for (u32 i = 0; i < SK_PREFIX / 8; i++)
		((u64 *)s->prefix.path)[i] = *(u64 *)(s->path + from + 8 * i);
	u32 *keep = bpf_map_lookup_elem(&prefixes, &s->prefix);
	return !((keep ? *keep : set->paths) & kind);
}

static __noinline bool connect_filtered(struct call_scratch *s, struct sk_settings *set, struct sock *sk)
{
	if (!sk)
		return false;
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family != AF_INET && family != AF_INET6)
		return false;
	u8 local[16];
	ends_of(sk, family, local, s->network.address);
	/* What failed at once has no other end any more. */
	u32 *words = (u32 *)s->network.address;
	if (!words[3])
		return false;
	s->network.bits = 128;
	u32 *keep = bpf_map_lookup_elem(&networks, &s->network);
	return !(keep ? *keep : set->networks);
}

/* Not called. It keeps descriptions of these types in the object, which a test compares with the other side's. */
__attribute__((used, noinline)) static int shapes(struct sk_header *header, struct sk_call *call, struct sk_exit *exit,
						   struct sk_cgroup *cgroup, struct sk_socket *socket)
{
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_call, struct pt_regs *regs, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 native = regs->orig_ax;
	u32 number = native;
	u32 flags = 0;

	if (task->thread_info.status & TS_COMPAT) {
		u32 call = regs->bx;
		u32 *mapped = number == SOCKETCALL_I386 ? bpf_map_lookup_elem(&socketcalls, &call) :
			      number < SK_CALLS		? bpf_map_lookup_elem(&numbers, &number) :
							  0;
		if (!mapped)
			return 0;
		flags = SK_I386;
		number = *mapped;
	} else if (number & X32_BIT) {
		flags = SK_X32;
		number &= ~X32_BIT;
		if (number >= SK_CALLS) {
			u32 *mapped = bpf_map_lookup_elem(&numbers, &number);
			if (!mapped)
				return 0;
			number = *mapped;
		}
	}
	struct sk_plan *plan = bpf_map_lookup_elem(&plans, &number);
	if (!plan || !plan->ops)
		return 0;

	u32 cpu = bpf_get_smp_processor_id();
	struct sk_settings *set = get_settings();
	struct call_scratch *s = bpf_map_lookup_elem(&call_scratches, &cpu);
	if (!set || !s)
		return 0;
	u32 ops = plan->ops;
	u64 cgroup = cgroup_of(task, set, true);
	if (set->self && set->self == bpf_get_current_pid_tgid() >> 32)
		goto hold;
	if (ops & (ret < 0 ? SK_OP_NOT_FAILED : SK_OP_NOT_DONE))
		goto hold;
	if (ops & SK_OP_NOT_CHILD && !ret)
		return 0;
	if (set->on & SK_SET_CGROUPS && bpf_map_lookup_elem(&muted, &cgroup))
		goto hold;

	struct sk_call *call = call_of(s);
	call->ret = ret;
	call->native = native;
	if (!(flags & SK_I386)) {
		call->args[0] = regs->di;
		call->args[1] = regs->si;
		call->args[2] = regs->dx;
		call->args[3] = regs->r10;
		call->args[4] = regs->r8;
		call->args[5] = regs->r9;
	} else if ((u32)native == SOCKETCALL_I386) {
		u32 small[6] = {};
		bpf_probe_read_user(small, sizeof(small), (void *)(u64)(u32)regs->cx);
		for (int i = 0; i < 6; i++)
			call->args[i] = small[i];
	} else {
		call->args[0] = (u32)regs->bx;
		call->args[1] = (u32)regs->cx;
		call->args[2] = (u32)regs->dx;
		call->args[3] = (u32)regs->si;
		call->args[4] = (u32)regs->di;
		call->args[5] = (u32)regs->bp;
	}
	s->head.used = sizeof(struct sk_header) + sizeof(struct sk_call);
	s->head.path_flags = 0;

	struct file *file = 0;
	struct sock *sk = 0;
	if (ops & (SK_OP_FILE | SK_OP_SOCKET)) {
		s32 fd = argument(call, plan->fd);
		if (fd >= 0)
			file = file_of(task, fd);
		if (ops & SK_OP_SOCKET)
			sk = sock_of(file);
	}
	if (ops & SK_OP_OPEN && set->on & SK_SET_PATHS && open_filtered(s, set, file))
		goto hold;
	if (ops & SK_OP_CONNECT && set->on & SK_SET_NETWORKS && connect_filtered(s, set, sk))
		goto hold;
	begin(s->data, number, bpf_ktime_get_boot_ns(), cgroup, flags);

	u32 strings = plan->strings;
	for (u32 i = 0; i < 6; i++)
		if (strings & 1 << i && call->args[i])
			call_text(s, i, (void *)call->args[i], true);
	if (ops & SK_OP_FILE && file) {
		if (!sk) {
			if (!s->head.path_flags)
				walk(&s->head, s->path, BPF_CORE_READ(file, f_path.dentry), BPF_CORE_READ(file, f_path.mnt));
			call_path(s, SK_TAG_PATH);
		}
		u32 at = s->head.used;
		if (at <= CALL_ROOM) {
			u8 *blob = s->data + at;
			fill_file((struct sk_file *)(blob + 4), s->near, file, s->head.path_flags);
			seal(blob, SK_TAG_FILE, sizeof(struct sk_file), false);
			s->head.used = at + 4 + sizeof(struct sk_file);
		}
	}
	if (sk)
		put_socket(s, sk);
	if (plan->other < 6 && (!(ops & SK_OP_OPEN) || ret < 0)) {
		struct file *other = file_of(task, (s32)argument(call, plan->other));
		if (other) {
			walk(&s->head, s->path, BPF_CORE_READ(other, f_path.dentry), BPF_CORE_READ(other, f_path.mnt));
			call_path(s, SK_TAG_OTHER);
		}
	}
	u64 pointer = argument(call, plan->pointer);
	u64 length = argument(call, plan->length);
	if (ops & (SK_OP_ADDRESS | SK_OP_ADDRESS_IN) && pointer) {
		u32 len = length;
		if (ops & SK_OP_ADDRESS_IN) {
			len = 0;
			bpf_probe_read_user(&len, sizeof(len), (void *)length);
		}
		if (len)
			call_bytes(s, SK_TAG_ADDRESS, pointer, len, 128);
	}
	if (ops & SK_OP_STRUCT && pointer)
		call_bytes(s, SK_TAG_STRUCT, pointer, plan->length, 128);
	if (ops & SK_OP_DATA) {
		s64 len = argument(call, plan->data_length);
		u64 from = argument(call, plan->data);
		if (len > 0 && from)
			call_bytes(s, SK_TAG_DATA, from, len, set->data);
	}
	if (ops & SK_OP_MESSAGE && pointer)
		put_message(s, pointer, set->data);
	if (ops & SK_OP_VECTOR && pointer)
		put_vector(s, pointer, set->data);

	if (ops & SK_OP_PRIORITY) {
		SEND(priority, s->data, s->head.used, CALL_ROOM + SK_TEXT, number, 0);
	} else {
		SEND(bulk, s->data, s->head.used, CALL_ROOM + SK_TEXT, number, 0);
	}
	return 0;
hold:
	filtered(number);
	return 0;
}

#endif
