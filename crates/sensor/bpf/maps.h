/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Maps, and the buffers that records are put together in. */
#ifndef SEKISHO_MAPS_H
#define SEKISHO_MAPS_H

/* How many components and mounts of a path are followed. */
#define WALK 64
/* Where in its room a path ends; it is written from its end on. */
#define PATH_END 4096

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} priority SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 23);
} bulk SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct sk_settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SK_CALLS);
	__type(key, u32);
	__type(value, struct sk_plan);
} plans SEC(".maps");

/* Numbers of x86_64 for those of i386, and behind these for those that only x32 has; SK_CALLS for none. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * SK_CALLS);
	__type(key, u32);
	__type(value, u32);
} numbers SEC(".maps");

/* Numbers of x86_64 for those of socketcall(2). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 32);
	__type(key, u32);
	__type(value, u32);
} socketcalls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SK_KINDS);
	__type(key, u32);
	__type(value, struct sk_count);
} counts SEC(".maps");

/* Records that found no room, of all kinds. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} losses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sk_prefix);
	__type(value, u32);
} prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sk_network);
	__type(value, u32);
} networks SEC(".maps");

/* Cgroups whose system calls are not told. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, u32);
} muted SEC(".maps");

/* Where the last blob may begin, and what there is behind for it. */
#define CALL_ROOM (4 * (SK_TEXT + 4))
#define EXEC_ROOM (6 * (SK_TEXT + 4))
#define FORK_ROOM (SK_TEXT + 512)

struct scratch_head {
	u32 used;
	u32 path_at;  /* where in `path` a path begins, PATH_END where it ends */
	u32 path_flags;
	u32 pad;
};

/* The beginning of one of the kernel's structs, read at once: each read is a call. */
#define NEAR 256
#define READ_NEAR(near, type, from)                                       \
	({                                                                \
		u32 size_ = bpf_core_type_size(type);                     \
		if (size_ > NEAR)                                         \
			size_ = NEAR;                                     \
		bpf_probe_read_kernel(near, size_, from);                 \
	})
/* A member of what was read so; by itself where it lies further on. */
#define NEAR_MEMBER(near, type, from, member)                                                          \
	({                                                                                             \
		typeof(((type *)0)->member) value_;                                                    \
		u32 at_ = bpf_core_field_offset(type, member);                                         \
		if (at_ <= NEAR - 8)                                                                   \
			value_ = *(typeof(value_) *)((near) + at_);                                    \
		else                                                                                   \
			bpf_probe_read_kernel(&value_, sizeof(value_), (void *)(from) + at_);          \
		value_;                                                                                \
	})

#define WALKED 1
#define CUT_OFF 2
#define DETACHED 4

/* `data` has a text's room behind the last place a blob may begin at. */
struct call_scratch {
	struct scratch_head head;
	u8 near[NEAR];
	struct sk_prefix prefix;
	struct sk_network network;
	u8 data[CALL_ROOM + SK_TEXT + 16];
	u8 path[PATH_END + 512];
};

struct exec_scratch {
	struct scratch_head head;
	u8 near[NEAR];
	u8 data[EXEC_ROOM + SK_TEXT + 16];
	u8 path[PATH_END + 512];
};

struct fork_scratch {
	struct scratch_head head;
	u8 data[FORK_ROOM + SK_TEXT + 16];
};

/* One for each processor: the loader sets how many there are. Values of per-processor maps are too small. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct call_scratch);
} call_scratches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct exec_scratch);
} exec_scratches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct fork_scratch);
} fork_scratches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct fork_scratch);
} cgroup_scratches SEC(".maps");

static __always_inline struct sk_settings *get_settings(void)
{
	u32 zero = 0;
	return bpf_map_lookup_elem(&settings, &zero);
}

#endif
