/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The parts of records that have no fixed size: texts, buffers, paths. */
#ifndef SEKISHO_BLOBS_H
#define SEKISHO_BLOBS_H

#define HEADER(data) ((struct sk_header *)(data))
/* The value, in a register and of unknown size for the compiler, so that it keeps the check that follows. */
#define OPAQUE(value) asm volatile("" : "+r"(value))

#define FULL(scratch, room)                                        \
	if (at > (room)) {                                         \
		HEADER((scratch)->data)->flags |= SK_OVERFULL;     \
		return;                                            \
	}

static __always_inline void seal(u8 *blob, u16 tag, u32 len, bool cut)
{
	struct sk_blob *head = (struct sk_blob *)blob;
	head->tag = tag;
	head->len = len | (cut ? SK_CUT : 0);
}

/* Appends `len` bytes, at most SK_TEXT, of the process's memory. */
#define PUT_BYTES(name, type, room)                                                                 \
	static __noinline void name(struct type *s, u16 tag, u64 from, u64 len, u32 most)           \
	{                                                                                           \
		u32 at = s->head.used;                                                              \
		FULL(s, room);                                                                      \
		bool cut = len > most;                                                              \
		if (cut)                                                                            \
			len = most;                                                                 \
		OPAQUE(len);                                                                        \
		if (len > SK_TEXT)                                                                  \
			return;                                                                     \
		u8 *blob = s->data + at;                                                            \
		if (bpf_probe_read_user(blob + 4, len, (void *)from)) {                             \
			HEADER(s->data)->flags |= SK_UNREADABLE;                                    \
			return;                                                                     \
		}                                                                                   \
		seal(blob, tag, len, cut);                                                          \
		s->head.used = at + 4 + len;                                                        \
	}

/* Appends a text without the zero byte at its end. */
#define PUT_TEXT(name, type, room)                                                          \
	static __noinline void name(struct type *s, u16 tag, const void *from, bool user)    \
	{                                                                                    \
		u32 at = s->head.used;                                                       \
		FULL(s, room);                                                               \
		u8 *blob = s->data + at;                                                     \
		long len = user ? bpf_probe_read_user_str(blob + 4, SK_TEXT, from)           \
				: bpf_probe_read_kernel_str(blob + 4, SK_TEXT, from);        \
		if (len <= 0) {                                                              \
			HEADER(s->data)->flags |= SK_UNREADABLE;                             \
			return;                                                              \
		}                                                                            \
		/* All of the room is taken also by a text that just fits. */                \
		seal(blob, tag, len - 1, len == SK_TEXT);                                    \
		s->head.used = at + 4 + ((len - 1) & (SK_TEXT - 1));                         \
	}

PUT_BYTES(call_bytes, call_scratch, CALL_ROOM)
PUT_TEXT(call_text, call_scratch, CALL_ROOM)
PUT_BYTES(exec_bytes, exec_scratch, EXEC_ROOM)
PUT_TEXT(exec_text, exec_scratch, EXEC_ROOM)
PUT_BYTES(fork_bytes, fork_scratch, FORK_ROOM)
PUT_TEXT(cgroup_text, fork_scratch, FORK_ROOM)

/* What a name hangs on, and the name: as they lie in struct dentry, where they lie so. */
struct link {
	struct dentry *parent;
	u32 hash;
	u32 len;
	const unsigned char *name;
};

static __always_inline void read_link(struct link *out, struct dentry *dentry)
{
	u32 parent = bpf_core_field_offset(struct dentry, d_parent);
	u32 len = bpf_core_field_offset(struct dentry, d_name.len);
	u32 name = bpf_core_field_offset(struct dentry, d_name.name);
	if (len == parent + 12 && name == parent + 16) {
		bpf_probe_read_kernel(out, sizeof(*out), (void *)dentry + parent);
		return;
	}
	out->parent = BPF_CORE_READ(dentry, d_parent);
	out->len = BPF_CORE_READ(dentry, d_name.len);
	out->name = BPF_CORE_READ(dentry, d_name.name);
}

/*
 * Writes the absolute path of a file into `room`, from its end on: over the parents of each name, and at the root of a
 * mount on to what it is mounted on, until there is nothing above. A path that is too long or too deep keeps its end, and
 * is marked.
 */
static __noinline void walk(struct scratch_head *head, u8 *room, struct dentry *dentry, struct vfsmount *mnt)
{
	u32 at = PATH_END;
	u32 flags = CUT_OFF;
	struct dentry *root = BPF_CORE_READ(mnt, mnt_root);

	for (int i = 0; i < WALK; i++) {
		if (dentry == root) {
			struct mount *m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
			struct mount *above = BPF_CORE_READ(m, mnt_parent);
			if (above == m || !above) {
				flags = WALKED;
				break;
			}
			dentry = BPF_CORE_READ(m, mnt_mountpoint);
			mnt = (void *)above + bpf_core_field_offset(struct mount, mnt);
			root = BPF_CORE_READ(mnt, mnt_root);
			continue;
		}
		struct link link;
		read_link(&link, dentry);
		struct dentry *parent = link.parent;
		if (parent == dentry && at < PATH_END) {
			flags = WALKED | DETACHED;
			break;
		}
		u32 len = link.len & 255;
		if (at < len + 1)
			break;
		at -= len + 1;
		OPAQUE(at);
		at &= PATH_END - 1;
		room[at] = '/';
		bpf_probe_read_kernel(room + at + 1, len, link.name);
		if (parent == dentry) {
			flags = WALKED | DETACHED;
			break;
		}
		dentry = parent;
	}
	if (at == PATH_END) {
		at = PATH_END - 1;
		room[at] = '/';
	}
	/* Nothing of an older path is to be compared with prefixes. */
	room[PATH_END] = 0;
	head->path_at = at;
	head->path_flags = flags;
}

#define PUT_PATH(name, type, room)                                                                             \
	static __noinline void name(struct type *s, u16 tag)                                                   \
	{                                                                                                      \
		u32 at = s->head.used;                                                                         \
		FULL(s, room);                                                                                 \
		u32 from = s->head.path_at & (PATH_END - 1);                                                   \
		u32 len = PATH_END - from;                                                                     \
		OPAQUE(len);                                                                                   \
		if (len > SK_TEXT)                                                                             \
			return;                                                                                \
		OPAQUE(at);                                                                                    \
		if (at > (room))                                                                               \
			return;                                                                                \
		u8 *blob = s->data + at;                                                                       \
		bpf_probe_read_kernel(blob + 4, len, s->path + from);                                          \
		seal(blob, tag, len, s->head.path_flags & CUT_OFF);                                            \
		s->head.used = at + 4 + len;                                                                   \
	}

PUT_PATH(call_path, call_scratch, CALL_ROOM)
PUT_PATH(exec_path, exec_scratch, EXEC_ROOM)

#endif
