//! `container.*` and `k8s.*`.
//!
//! Which container a process is in follows from its cgroups; the rest is told ([`crate::state::State::add_container`]).
//! Until then it is unknown here, where Falco has none.

use super::{SyscallFacts, index, key, not_here, recorded};
use crate::field::{Field, Given, Name, Unknown, Value};
use crate::state::{RunningContainer, RunningMount, Thread};

/// What Falco has for `container.*` of processes that are in none.
const HOST: &str = "host";

impl<'a> SyscallFacts<'a> {
    pub(super) fn container_field(&self, name: Name, field: &Field) -> Value<'a> {
        self.of_thread(|thread| match &thread.cgroups.container {
            Some((id, full, engine)) => match name {
                Name::ContainerId => Value::text(&**id),
                Name::ContainerFullId => match self.state.container(id).and_then(|known| known.full_id.as_deref()) {
                    Some(full) => Value::text(full),
                    None => Value::text(&**full),
                },
                Name::ContainerStartTs => recorded(thread.namespace_started, Value::uint),
                Name::ContainerDuration => recorded(thread.namespace_started, |start| {
                    Value::int(self.event.time.saturating_sub(start).cast_signed())
                }),
                Name::ContainerType => {
                    let told = self.state.container(id).and_then(|known| known.engine);
                    Value::text(told.unwrap_or(*engine).name())
                }
                _ => match self.state.container(id) {
                    Some(container) => Self::of_container(name, field, container),
                    None => Value::Unknown(Unknown::Container),
                },
            },
            None => of_host(name, thread),
        })
    }

    fn of_container(name: Name, field: &Field, container: &'a RunningContainer) -> Value<'a> {
        let text = |text: &'a Option<String>| told(text.as_ref(), Value::text);
        let flag = |flag: Option<bool>| told(flag, Value::bool);
        // What is in no pod has nothing of one.
        let of_pod = |value: Value<'a>| match value {
            Value::Unknown(_) if container.no_pod => Value::Absent,
            value => value,
        };
        match name {
            Name::ContainerImage
            | Name::ContainerImageId
            | Name::ContainerImageRepository
            | Name::ContainerImageTag
            | Name::ContainerImageDigest
                if container.no_image =>
            {
                Value::Absent
            }
            Name::ContainerName => text(&container.name),
            Name::ContainerImage => text(&container.image),
            Name::ContainerImageId => text(&container.image_id),
            Name::ContainerImageRepository => text(&container.image_repository),
            Name::ContainerImageTag => text(&container.image_tag),
            Name::ContainerImageDigest => text(&container.image_digest),
            Name::ContainerPrivileged => flag(container.privileged),
            Name::ContainerHostPid => flag(container.host_pid),
            Name::ContainerHostNetwork => flag(container.host_network),
            Name::ContainerHostIpc => flag(container.host_ipc),
            Name::ContainerCniJson => text(&container.cni),
            Name::K8sPodCniJson => of_pod(text(&container.cni)),
            Name::ContainerIp => text(&container.ip),
            Name::K8sPodIp => of_pod(text(&container.ip)),
            Name::ContainerLabel => label(container.labels.as_ref(), field),
            Name::ContainerLabels => labels(container.labels.as_ref()),
            Name::ContainerMounts => told(container.mounts.as_ref(), |mounts| {
                let mounts: Vec<String> = mounts.iter().map(RunningMount::to_string).collect();
                Value::owned(mounts.join(","))
            }),
            Name::ContainerMount => mount(container, field, |mount| &mount.source, RunningMount::to_string),
            Name::ContainerMountSource => mount(container, field, |mount| &mount.dest, |mount| mount.source.clone()),
            Name::ContainerMountDest => mount(container, field, |mount| &mount.source, |mount| mount.dest.clone()),
            Name::ContainerMountMode => mount(container, field, |mount| &mount.source, |mount| mount.mode.clone()),
            Name::ContainerMountRdwr => mount(container, field, |mount| &mount.source, |mount| mount.rdwr.to_string()),
            Name::ContainerMountPropagation => {
                mount(container, field, |mount| &mount.source, |mount| mount.propagation.clone())
            }
            Name::K8sPodName => of_pod(text(&container.pod_name)),
            Name::K8sNsName => of_pod(text(&container.pod_namespace)),
            Name::K8sPodUid | Name::K8sPodId => of_pod(text(&container.pod_uid)),
            Name::K8sPodSandboxId => {
                let short = |id: &'a String| Value::text(RunningContainer::short_id(id));
                of_pod(told(container.sandbox_id.as_ref(), short))
            }
            Name::K8sPodFullSandboxId => of_pod(text(&container.sandbox_id)),
            Name::K8sPodLabels => of_pod(labels(container.sandbox_labels.as_ref())),
            Name::K8sPodLabel => of_pod(label(container.sandbox_labels.as_ref(), field)),
            _ => not_here(name),
        }
    }
}

/// A mount by its number, or the first whose path matches a pattern; the text `none` if there is no such mount.
fn mount<'a>(
    container: &'a RunningContainer,
    field: &Field,
    by: fn(&RunningMount) -> &String,
    of: fn(&RunningMount) -> String,
) -> Value<'a> {
    let Some(mounts) = &container.mounts else { return Value::Unknown(Unknown::Container) };
    let found = match &field.given {
        Given::Key(pattern) => match pattern.parse::<usize>() {
            Ok(at) => mounts.get(at),
            Err(_) => mounts.iter().find(|mount| matches(pattern.as_bytes(), by(mount).as_bytes())),
        },
        _ => index(field).and_then(|at| mounts.get(at)),
    };
    found.map_or(Value::text("none"), |mount| Value::owned(of(mount)))
}

fn of_host(name: Name, thread: &Thread) -> Value<'_> {
    match name {
        Name::ContainerId | Name::ContainerName | Name::ContainerType => Value::text(HOST),
        Name::ContainerFullId => Value::text(""),
        Name::ContainerStartTs | Name::ContainerDuration if thread.cgroups.text.is_empty() => {
            Value::Unknown(Unknown::NotRecorded)
        }
        _ => Value::Absent,
    }
}

/// What was told of a container.
fn told<'a, T>(value: Option<T>, answer: impl FnOnce(T) -> Value<'a>) -> Value<'a> {
    value.map_or(Value::Unknown(Unknown::Container), answer)
}

type Labels = Vec<(String, String)>;

fn labels(labels: Option<&Labels>) -> Value<'_> {
    told(labels, |labels| {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        Value::owned(labels.join(", "))
    })
}

fn label<'a>(labels: Option<&'a Labels>, field: &Field) -> Value<'a> {
    told(labels, |labels| {
        let found = labels.iter().find(|(name, _)| Some(name.as_str()) == key(field));
        found.map_or(Value::Absent, |(_, value)| Value::text(value))
    })
}

/// Whether `text` matches a pattern of `fnmatch(3)`, where a star is any text and a question mark any byte.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(b'?') => (p, t) = (p + 1, t + 1),
            Some(byte) if *byte == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((after, at)) => {
                    star = Some((after, at + 1));
                    (p, t) = (after, at + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn mounts_are_found_by_pattern() {
        let check = |pattern: &str, text: &str, expect: bool| {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expect, "{pattern} {text}");
        };
        check("/proc*", "/proc", true);
        check("/proc*", "/proc/sys", true);
        check("/proc*", "/pro", false);
        check("/etc", "/etc/", false);
        check("*/docker.sock", "/var/run/docker.sock", true);
        check("/a?c", "/abc", true);
        check("*a*b*c", "xxaxxbxx", false);
        check("", "", true);
    }
}
