//! Where each field is in an audit event.

use super::AuditEvent;
use crate::facts::moment;
use crate::field::{Field, Given, Name, Scalar, Value};
use serde_json::Value as Json;
use std::borrow::Cow;

impl AuditEvent {
    pub(super) fn field(&self, name: Name, field: &Field) -> Value<'_> {
        if let Some(path) = place(name) {
            return self.one(path);
        }
        if let Some((list, what)) = of_containers(name) {
            return self.of_containers(list, what, field);
        }
        let time = |format| if self.time == 0 { Value::Absent } else { Value::owned(moment(self.time, format)) };
        match name {
            Name::KaUserGroups => self.list(&["user", "groups"]),
            Name::KaReqBindingSubjects => self.list(&["requestObject", "subjects"]),
            Name::KaReqRoleRules => self.list(&["requestObject", "rules"]),
            Name::KaReqPodSupplementalGroups => {
                self.list(&["requestObject", "spec", "securityContext", "supplementalGroups"])
            }
            Name::KaSourceips => self.items(&["sourceIPs"], field, |item| vec![item]),
            Name::KaReqServicePorts => self.items(&["requestObject", "spec", "ports"], field, |item| vec![item]),
            Name::KaReqRoleRulesApiGroups => self.of_rules("apiGroups", field),
            Name::KaReqRoleRulesNonResourceURLs => self.of_rules("nonResourceURLs", field),
            Name::KaReqRoleRulesVerbs => self.of_rules("verbs", field),
            Name::KaReqRoleRulesResources => self.of_rules("resources", field),
            Name::KaReqPodVolumesHostpath => self.of_volumes(&["hostPath", "path"], field),
            Name::KaReqPodVolumesFlexvolumeDriver => self.of_volumes(&["flexVolume", "driver"], field),
            Name::KaReqPodVolumesVolumeType => self.volume_types(field),
            Name::KaReqVolumeHostpath => self.has_host_path(field),
            Name::KaReqBindingSubjectHasName => Value::text("true"),
            Name::KaReqContainerImage => self.first_container(|image| image),
            Name::KaReqContainerImageRepository => self.first_container(repository),
            Name::KaReqContainerPrivileged => {
                let Some(containers) = self.containers("containers") else { return Value::Absent };
                let privileged = |json: &Json| json.pointer("/securityContext/privileged") == Some(&Json::Bool(true));
                Value::text(if containers.iter().any(privileged) { "true" } else { "false" })
            }
            Name::KaUriParam => self.parameter(field),
            Name::JevtValue | Name::JsonValue => match &field.given {
                Given::Key(pointer) => self.json().pointer(pointer).map_or(Value::Absent, text),
                _ => Value::Absent,
            },
            Name::JevtObj | Name::JsonObj => Value::owned(self.json().to_string()),
            Name::JevtRawtime | Name::JsonRawtime | Name::EvtRawtime => {
                if self.time == 0 {
                    Value::Absent
                } else {
                    Value::uint(self.time)
                }
            }
            Name::JevtTime | Name::EvtTime | Name::EvtOutputtime => time("%H:%M:%S.%9f"),
            Name::EvtTimeS => time("%H:%M:%S"),
            Name::JevtTimeIso8601 | Name::EvtTimeIso8601 => time("%Y-%m-%dT%H:%M:%S.%9f+0000"),
            Name::EvtDatetime => time("%Y-%m-%d %H:%M:%S.%9f"),
            Name::EvtDatetimeS => time("%Y-%m-%d %H:%M:%S"),
            Name::EvtRawtimeS => Value::uint(self.time / 1_000_000_000),
            Name::EvtRawtimeNs => Value::uint(self.time % 1_000_000_000),
            Name::EvtPlugininfo | Name::EvtInfo => self.summary(),
            Name::EvtIsAsync => Value::bool(false),
            _ => Value::Absent,
        }
    }

    fn one(&self, path: &[&str]) -> Value<'_> {
        self.at(path).map_or(Value::Absent, text)
    }

    fn list(&self, path: &[&str]) -> Value<'_> {
        match self.at(path) {
            Some(Json::Array(items)) => Value::list(items.iter().map(scalar).collect()),
            _ => Value::Absent,
        }
    }

    /// What `of` finds in the entries of a list, or in the one that the argument numbers.
    fn items<'a>(&'a self, path: &[&str], field: &Field, of: impl Fn(&'a Json) -> Vec<&'a Json>) -> Value<'a> {
        let Some(Json::Array(items)) = self.at(path) else { return Value::Absent };
        Value::list(chosen(items, field).iter().flat_map(of).map(scalar).collect())
    }

    fn of_rules(&self, key: &'static str, field: &Field) -> Value<'_> {
        self.items(&["requestObject", "rules"], field, |rule| match rule.get(key) {
            Some(Json::Array(values)) => values.iter().collect(),
            _ => Vec::new(),
        })
    }

    fn of_volumes(&self, path: &'static [&'static str], field: &Field) -> Value<'_> {
        self.items(VOLUMES, field, |volume| {
            path.iter().try_fold(volume, |json, key| json.get(key)).into_iter().collect()
        })
    }

    fn volume_types(&self, field: &Field) -> Value<'_> {
        let Some(Json::Array(volumes)) = self.at(VOLUMES) else { return Value::Absent };
        let keys = chosen(volumes, field).iter().filter_map(Json::as_object).flat_map(|volume| volume.keys());
        Value::list(keys.filter(|key| *key != "name").map(|key| Scalar::Text(key.as_bytes().into())).collect())
    }

    fn has_host_path(&self, field: &Field) -> Value<'_> {
        let (Some(Json::Array(volumes)), Given::Key(asked)) = (self.at(VOLUMES), &field.given) else {
            return Value::Absent;
        };
        let is_asked = |path: &str| match asked.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path == &**asked,
        };
        let paths = volumes.iter().filter_map(|volume| volume.pointer("/hostPath/path")?.as_str());
        Value::text(if paths.into_iter().any(is_asked) { "true" } else { "false" })
    }

    /// Containers of one kind: of a pod, or of one that debugging containers are added to.
    fn containers(&self, list: &str) -> Option<&Vec<Json>> {
        self.at(&["requestObject", "spec", list])?.as_array()
    }

    fn of_containers(&self, list: &str, what: What, field: &Field) -> Value<'_> {
        let Some(containers) = self.containers(list) else { return Value::Absent };
        let containers = chosen(containers, field);
        let mut found: Vec<Scalar<'_>> = Vec::new();
        for container in containers {
            match what {
                What::Image => found.extend(container.get("image").map(scalar)),
                What::Repository => {
                    let image = container.get("image").and_then(Json::as_str);
                    found.extend(image.map(|image| Scalar::Text(repository(image).as_bytes().into())));
                }
                What::HostPort => {
                    let ports = container.get("ports").and_then(Json::as_array);
                    // Without a host's port it is the container's that matters, if the pod has the host's network.
                    let ports = ports.into_iter().flatten();
                    found.extend(
                        ports.filter_map(|port| port.get("hostPort").or(port.get("containerPort"))).map(scalar),
                    );
                }
                What::Security(key) => {
                    found.extend(container.get("securityContext").and_then(|context| context.get(key)).map(scalar));
                }
                What::Effective(key) => {
                    let own = container.get("securityContext").and_then(|context| context.get(key));
                    let pod = || self.at(&["requestObject", "spec", "securityContext", key]);
                    found.push(own.or_else(pod).map_or(Scalar::Text(b"0"[..].into()), scalar));
                }
                What::Capabilities => {
                    let added = container.pointer("/securityContext/capabilities/add").and_then(Json::as_array);
                    found.extend(added.into_iter().flatten().map(scalar));
                }
            }
        }
        Value::list(found)
    }

    fn first_container(&self, of: fn(&str) -> &str) -> Value<'_> {
        let first = self.containers("containers").and_then(|containers| containers.first());
        first
            .and_then(|container| container.get("image")?.as_str())
            .map_or(Value::Absent, |image| Value::text(of(image)))
    }

    fn parameter(&self, field: &Field) -> Value<'_> {
        let (Some(uri), Given::Key(asked)) = (self.at(&["requestURI"]).and_then(Json::as_str), &field.given) else {
            return Value::Absent;
        };
        let query = uri.split_once('?').map_or("", |(_, query)| query);
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name) == asked.as_bytes()).then(|| decoded(value))
        };
        query.split('&').find_map(pair).map_or(Value::Absent, Value::owned)
    }

    fn summary(&self) -> Value<'_> {
        let part = |path: &[&str]| self.at(path).and_then(Json::as_str).unwrap_or_default();
        Value::owned(format!("{} {} {}", part(&["user", "username"]), part(&["verb"]), part(&["requestURI"])))
    }
}

const VOLUMES: &[&str] = &["requestObject", "spec", "volumes"];

/// Fields that are one value at one place.
fn place(name: Name) -> Option<&'static [&'static str]> {
    Some(match name {
        Name::KaAuditid => &["auditID"],
        Name::KaStage => &["stage"],
        Name::KaAuthDecision => &["annotations", "authorization.k8s.io/decision"],
        Name::KaAuthReason => &["annotations", "authorization.k8s.io/reason"],
        Name::KaAuthOpenshiftDecision => &["annotations", "authentication.openshift.io/decision"],
        Name::KaAuthOpenshiftUsername => &["annotations", "authentication.openshift.io/username"],
        Name::KaValidationsAdmissionPolicyFailure => {
            &["annotations", "validation.policy.admission.k8s.io/validation_failure"]
        }
        Name::KaUserName => &["user", "username"],
        Name::KaImpuserName => &["impersonatedUser", "username"],
        Name::KaVerb => &["verb"],
        Name::KaUri => &["requestURI"],
        Name::KaTargetName | Name::KaReqConfigmapName => &["objectRef", "name"],
        Name::KaTargetNamespace => &["objectRef", "namespace"],
        Name::KaTargetResource => &["objectRef", "resource"],
        Name::KaTargetSubresource => &["objectRef", "subresource"],
        Name::KaTargetPodName => &["requestObject", "metadata", "name"],
        Name::KaReqBindingRole => &["requestObject", "roleRef", "name"],
        Name::KaReqConfigmapObj => &["requestObject", "data"],
        Name::KaReqPodHostIpc => &["requestObject", "spec", "hostIPC"],
        Name::KaReqPodHostNetwork | Name::KaReqContainerHostNetwork => &["requestObject", "spec", "hostNetwork"],
        Name::KaReqPodHostPid => &["requestObject", "spec", "hostPID"],
        Name::KaReqPodRunAsUser => &["requestObject", "spec", "securityContext", "runAsUser"],
        Name::KaReqPodRunAsGroup => &["requestObject", "spec", "securityContext", "runAsGroup"],
        Name::KaReqPodFsGroup => &["requestObject", "spec", "securityContext", "fsGroup"],
        Name::KaReqServiceType => &["requestObject", "spec", "type"],
        Name::KaRespName => &["responseObject", "metadata", "name"],
        Name::KaResponseCode => &["responseStatus", "code"],
        Name::KaResponseReason => &["responseStatus", "reason"],
        Name::KaUseragent => &["userAgent"],
        _ => return None,
    })
}

/// What is asked of each container.
#[derive(Clone, Copy)]
enum What {
    Image,
    Repository,
    HostPort,
    Security(&'static str),
    Effective(&'static str),
    Capabilities,
}

macro_rules! of_containers {
    ($($list:literal: $image:ident $repository:ident $port:ident $privileged:ident $escalation:ident $read_only:ident
        $user:ident $effective_user:ident $group:ident $effective_group:ident $mount:ident $capabilities:ident;)*) => {
        /// Fields of containers: which of the three lists of a pod, and what of each.
        fn of_containers(name: Name) -> Option<(&'static str, What)> {
            Some(match name {
                $(
                    Name::$image => ($list, What::Image),
                    Name::$repository => ($list, What::Repository),
                    Name::$port => ($list, What::HostPort),
                    Name::$privileged => ($list, What::Security("privileged")),
                    Name::$escalation => ($list, What::Security("allowPrivilegeEscalation")),
                    Name::$read_only => ($list, What::Security("readOnlyRootFilesystem")),
                    Name::$user => ($list, What::Security("runAsUser")),
                    Name::$effective_user => ($list, What::Effective("runAsUser")),
                    Name::$group => ($list, What::Security("runAsGroup")),
                    Name::$effective_group => ($list, What::Effective("runAsGroup")),
                    Name::$mount => ($list, What::Security("procMount")),
                    Name::$capabilities => ($list, What::Capabilities),
                )*
                _ => return None,
            })
        }
    };
}

of_containers! {
    "containers": KaReqPodContainersImage KaReqPodContainersImageRepository KaReqPodContainersHostPort
        KaReqPodContainersPrivileged KaReqPodContainersAllowPrivilegeEscalation KaReqPodContainersReadOnlyFs
        KaReqPodContainersRunAsUser KaReqPodContainersEffRunAsUser KaReqPodContainersRunAsGroup
        KaReqPodContainersEffRunAsGroup KaReqPodContainersProcMount KaReqPodContainersAddCapabilities;
    "initContainers": KaReqPodInitContainersImage KaReqPodInitContainersImageRepository KaReqPodInitContainersHostPort
        KaReqPodInitContainersPrivileged KaReqPodInitContainersAllowPrivilegeEscalation
        KaReqPodInitContainersReadOnlyFs KaReqPodInitContainersRunAsUser KaReqPodInitContainersEffRunAsUser
        KaReqPodInitContainersRunAsGroup KaReqPodInitContainersEffRunAsGroup KaReqPodInitContainersProcMount
        KaReqPodInitContainersAddCapabilities;
    "ephemeralContainers": KaReqPodEphemeralContainersImage KaReqPodEphemeralContainersImageRepository
        KaReqPodEphemeralContainersHostPort KaReqPodEphemeralContainersPrivileged
        KaReqPodEphemeralContainersAllowPrivilegeEscalation KaReqPodEphemeralContainersReadOnlyFs
        KaReqPodEphemeralContainersRunAsUser KaReqPodEphemeralContainersEffRunAsUser
        KaReqPodEphemeralContainersRunAsGroup KaReqPodEphemeralContainersEffRunAsGroup
        KaReqPodEphemeralContainersProcMount KaReqPodEphemeralContainersAddCapabilities;
}

/// The entries of a list that a field is about: all, or the one that its argument numbers.
fn chosen<'a>(items: &'a [Json], field: &Field) -> &'a [Json] {
    match field.given {
        Given::Index(at) => items.get(at as usize).map_or(&[][..], std::slice::from_ref),
        _ => items,
    }
}

/// A value as text: strings as they are, everything else as JSON.
fn scalar(json: &Json) -> Scalar<'_> {
    Scalar::Text(match json {
        Json::String(text) => Cow::Borrowed(text.as_bytes()),
        other => Cow::Owned(other.to_string().into_bytes()),
    })
}

fn text(json: &Json) -> Value<'_> {
    Value::One(scalar(json))
}

/// An image without its tag and digest. A colon before the last slash is a port's.
fn repository(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}

/// A part of a query, with `+` and `%xx` as what they stand for.
fn decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let hex = after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        out.push(match (byte, hex) {
            (b'+', _) => b' ',
            (b'%', Some(value)) => {
                rest = &after[2..];
                value
            }
            (byte, _) => *byte,
        });
    }
    out
}
