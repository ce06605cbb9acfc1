// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Connections that are not allowed, denied where they are begun.
 *
 * Attached to the root of cgroups of version 2, so that nothing is outside of it. A denial is a bit: of each cgroup it is
 * known which denials are about it, of each network which forbid it.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>

/* include/uapi/linux/bpf.h: addresses and ports as they are sent. */
struct bpf_sock_addr {
	__u32 user_family;
	__u32 user_ip4;
	__u32 user_ip6[4];
	__u32 user_port;
};

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* How many cgroups above one are looked at. */
#define LEVELS 16

struct sk_deny_target {
	__u32 bits;        /* of what follows */
	__u8 port[2];      /* as it is sent; 0 for any */
	__u8 address[16];  /* of IPv4 as ::ffff:a.b.c.d */
	__u8 pad[2];
};

struct sk_deny_settings {
	__u64 host;     /* denials about whatever is in no container */
	__u32 enforce;  /* or only told */
	__u32 self;     /* a process that is never denied anything */
};

struct sk_denied {
	__u64 time;
	__u64 denials;
	__u32 pid;
	__u16 port;
	__u16 refused;
	__u8 address[16];
	__u64 cgroup;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u64);
} deny_scopes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sk_deny_target);
	__type(value, __u64);
} deny_targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sk_deny_settings);
} deny_settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} denied SEC(".maps");

/* Records that found no room. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} denied_lost SEC(".maps");

/* Not inlined, so that the object describes the record. */
static __noinline void fill(struct sk_denied *out, const struct sk_deny_target *target, __u32 port)
{
	out->time = bpf_ktime_get_boot_ns();
	out->pid = bpf_get_current_pid_tgid() >> 32;
	out->port = (__u16)port;
	__builtin_memcpy(out->address, target->address, 16);
	out->cgroup = bpf_get_current_cgroup_id();
	bpf_get_current_comm(out->comm, sizeof(out->comm));
}

static __always_inline int judge(struct bpf_sock_addr *ctx, struct sk_deny_target *target)
{
	__u32 zero = 0;
	struct sk_deny_settings *set = bpf_map_lookup_elem(&deny_settings, &zero);
	if (!set)
		return 1;
	__u64 id = bpf_get_current_pid_tgid();
	if (id >> 32 == set->self)
		return 1;
	__u64 cgroup = bpf_get_current_cgroup_id();
	__u64 *scope = bpf_map_lookup_elem(&deny_scopes, &cgroup);
	/* A container may make cgroups of its own below. */
	for (int level = 1; level < LEVELS && !scope; level++) {
		__u64 above = bpf_get_current_ancestor_cgroup_id(level);
		if (!above)
			break;
		scope = bpf_map_lookup_elem(&deny_scopes, &above);
	}
	__u64 about = scope ? *scope : set->host;
	if (!about)
		return 1;

	__u32 port = ctx->user_port;
	__u64 found = 0;
	__u64 *mask = bpf_map_lookup_elem(&deny_targets, target);
	if (mask)
		found |= *mask;
	__builtin_memcpy(target->port, &port, 2);
	mask = bpf_map_lookup_elem(&deny_targets, target);
	if (mask)
		found |= *mask;
	found &= about;
	if (!found)
		return 1;

	struct sk_denied *out = bpf_ringbuf_reserve(&denied, sizeof(*out), 0);
	if (out) {
		fill(out, target, port);
		out->denials = found;
		out->refused = set->enforce != 0;
		bpf_ringbuf_submit(out, 0);
	} else {
		__u64 *lost = bpf_map_lookup_elem(&denied_lost, &zero);
		if (lost)
			__sync_fetch_and_add(lost, 1);
	}
	return set->enforce == 0;
}

static __always_inline int of_ipv4(struct bpf_sock_addr *ctx)
{
	struct sk_deny_target target = { .bits = 144 };
	__u32 address = ctx->user_ip4;
	target.address[10] = 0xff;
	target.address[11] = 0xff;
	__builtin_memcpy(&target.address[12], &address, 4);
	return judge(ctx, &target);
}

static __always_inline int of_ipv6(struct bpf_sock_addr *ctx)
{
	struct sk_deny_target target = { .bits = 144 };
	__u32 words[4] = { ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3] };
	__builtin_memcpy(target.address, words, 16);
	return judge(ctx, &target);
}

SEC("cgroup/connect4")
int deny_connect4(struct bpf_sock_addr *ctx)
{
	return of_ipv4(ctx);
}

SEC("cgroup/connect6")
int deny_connect6(struct bpf_sock_addr *ctx)
{
	return of_ipv6(ctx);
}

/* Datagrams that are sent without a connection. */
SEC("cgroup/sendmsg4")
int deny_sendmsg4(struct bpf_sock_addr *ctx)
{
	return of_ipv4(ctx);
}

SEC("cgroup/sendmsg6")
int deny_sendmsg6(struct bpf_sock_addr *ctx)
{
	return of_ipv6(ctx);
}
