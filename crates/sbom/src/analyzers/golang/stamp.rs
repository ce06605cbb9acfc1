//! The version of a program whose build information has none.
//!
//! A program built from a checkout or outside of modules says `(devel)` or nothing of itself. Its makers then mostly
//! stamp the version in with `-ldflags "-X import/path.name=value"`: the flags are among the build settings unless
//! `-trimpath` took them away (`cmd/go/internal/load`), and the value is in the program in any case. Linkers lay such
//! values beside the one that they set themselves, `runtime.buildVersion` (`cmd/link/internal/ld`, `addstrdata`), each
//! with a zero behind it, sorted by size. What stands there is taken for well-known programs only ([`PROGRAMS`]), since
//! other things are stamped in as well; constants of the source have no such place and are not found.

use super::modinfo::ModInfo;
use memchr::memmem;
use sekisho_base::ReadAt;
use std::io;

/// A version, with the `v` of a module's, and what told it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) version: String,
    pub(super) from: String,
}

impl Stamp {
    fn new(version: &str, from: &str) -> Self {
        let version = if version.starts_with('v') { version.to_owned() } else { format!("v{version}") };
        Self { version, from: from.to_owned() }
    }
}

/// A well-known program, by the path of its module.
#[derive(Debug)]
pub(super) struct Program {
    /// What is built without modules has no more than the paths of packages below it.
    pub(super) module: &'static str,
    /// A module of the same repository that always has the same version.
    sibling: Option<&'static str>,
}

const fn program(module: &'static str) -> Program {
    Program { module, sibling: None }
}

/// Programs that are common in images, a more exact path first.
const PROGRAMS: &[Program] = &[
    program("code.gitea.io/gitea"),
    program("github.com/argoproj/argo-cd/v2"),
    program("github.com/argoproj/argo-cd"),
    program("github.com/caddyserver/caddy/v2"),
    program("github.com/containerd/containerd/v2"),
    program("github.com/containerd/containerd"),
    program("github.com/containerd/nerdctl"),
    program("github.com/containernetworking/plugins"),
    program("github.com/containers/buildah"),
    program("github.com/containers/podman/v5"),
    program("github.com/containers/podman/v4"),
    program("github.com/containers/podman"),
    program("github.com/containers/skopeo"),
    program("github.com/containous/traefik/v2"),
    program("github.com/containous/traefik"),
    program("github.com/coredns/coredns"),
    program("github.com/cri-o/cri-o"),
    program("github.com/docker/cli"),
    program("github.com/docker/distribution"),
    program("github.com/docker/docker"),
    program("github.com/gohugoio/hugo"),
    program("github.com/grafana/grafana"),
    program("github.com/grafana/loki/v3"),
    program("github.com/grafana/loki"),
    program("github.com/hashicorp/consul"),
    program("github.com/hashicorp/nomad"),
    program("github.com/hashicorp/packer"),
    program("github.com/hashicorp/terraform"),
    program("github.com/hashicorp/vault"),
    program("github.com/influxdata/influxdb/v2"),
    program("github.com/influxdata/influxdb"),
    program("github.com/influxdata/telegraf"),
    program("github.com/minio/minio"),
    program("github.com/nats-io/nats-server/v2"),
    program("github.com/nats-io/nats-server"),
    program("github.com/opencontainers/runc"),
    program("github.com/prometheus/alertmanager"),
    program("github.com/prometheus/node_exporter"),
    program("github.com/prometheus/prometheus"),
    program("github.com/rclone/rclone"),
    program("github.com/restic/restic"),
    program("github.com/tianon/gosu"),
    program("github.com/traefik/traefik/v3"),
    program("github.com/traefik/traefik/v2"),
    program("github.com/traefik/traefik"),
    Program { module: "go.etcd.io/etcd/etcdctl/v3", sibling: ETCD_API },
    Program { module: "go.etcd.io/etcd/etcdutl/v3", sibling: ETCD_API },
    Program { module: "go.etcd.io/etcd/server/v3", sibling: ETCD_API },
    program("go.etcd.io/etcd"),
    program("helm.sh/helm/v4"),
    program("helm.sh/helm/v3"),
    program("istio.io/istio"),
    program("k8s.io/ingress-nginx"),
    program("k8s.io/kubernetes"),
];

const ETCD_API: Option<&str> = Some("go.etcd.io/etcd/api/v3");

/// The program whose main package or module has this path.
pub(super) fn program_at(path: &str) -> Option<&'static Program> {
    PROGRAMS.iter().find(|program| is_below(path, program.module))
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The version of the main module `module` of the program `data`, of which `info` has none.
pub(super) fn find(data: &dyn ReadAt, info: &ModInfo<'_>, module: &str, budget: &mut u64) -> io::Result<Option<Stamp>> {
    if let Some(stamp) = info.setting("-ldflags").and_then(|flags| of_flags(flags, module)) {
        return Ok(Some(stamp));
    }
    let Some(program) = program_at(module) else { return Ok(None) };
    let sibling = info.deps.iter().find(|dep| Some(dep.module.path) == program.sibling);
    if let Some(module) = sibling.map(|dep| dep.module).filter(|module| is_version(module.version)) {
        return Ok(Some(Stamp::new(module.version, module.path)));
    }
    Ok(beside_release(data, budget)?.map(|version| Stamp::new(&version, "linker")))
}

/// What variables are called that hold the version of a program, in lower case.
const NAMES: [&str; 7] = ["version", "ver", "gitversion", "buildversion", "appversion", "gitdescribe", "release"];

/// Packages of others whose variables say what the program is.
const PACKAGES: [&str; 2] = ["github.com/prometheus/common/version", "k8s.io/component-base/version"];

/// The version that `-ldflags` set for a program of `module`. The setting is quoted as in Go, and in it as for a shell.
fn of_flags(flags: &str, module: &str) -> Option<Stamp> {
    // Without `/v2`, which not every build is up to date with.
    let (before, last) = module.rsplit_once('/').unwrap_or((module, ""));
    let is_major = last.strip_prefix('v').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let root = if is_major { before } else { module };
    let words = flags.split(['"', '\'', ' ', '\t', '\n', '\\']);
    words.filter_map(|word| word.split_once('=')).find_map(|(key, value)| {
        let (package, name) = key.rsplit_once('.')?;
        let package = package.rsplit_once("/vendor/").map_or(package, |(_, package)| package);
        let own = package == "main" || PACKAGES.contains(&package) || is_below(package, root);
        let named = NAMES.iter().any(|known| name.eq_ignore_ascii_case(known));
        (own && named && is_version(value)).then(|| Stamp::new(value, key))
    })
}

/// Whether a text begins with three numbers, perhaps behind a `v`, and has only what versions have.
fn is_version(text: &str) -> bool {
    let text = text.strip_prefix('v').unwrap_or(text);
    let numbers = text.split(['-', '+', '~']).next().unwrap_or_default();
    let sound = |part: &str| !part.is_empty() && part.len() < 8 && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = numbers.splitn(4, '.');
    let three = (&mut parts).take(3).filter(|part| sound(part)).count() == 3;
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || b".-+~_".contains(&byte);
    three && text.len() <= 64 && text.bytes().all(rest)
}

/// How far from the release of Go other values are looked for.
const BESIDE: u64 = 4 << 10;

const CHUNK_BYTES: u64 = 1 << 20;

/// Of the values that the linker set, the version nearest to Go's own. None where the program does not fit into the
/// budget: that it has no version is said then, as before.
fn beside_release(data: &dyn ReadAt, budget: &mut u64) -> io::Result<Option<String>> {
    const RELEASE: &[u8] = b"\0go1.";
    let finder = memmem::Finder::new(RELEASE);
    let size = data.size();
    let Some(left) = budget.checked_sub(size) else { return Ok(None) };
    *budget = left;
    let mut start = 0;
    while start < size {
        let chunk = data.range(start, (CHUNK_BYTES + RELEASE.len() as u64 - 1).min(size - start) as usize)?;
        for hit in finder.find_iter(&chunk).take(64) {
            let hit = start + hit as u64 + 1;
            let from = hit.saturating_sub(BESIDE);
            let window = data.range(from, (hit + BESIDE).min(size).saturating_sub(from) as usize)?;
            if let Some(version) = nearest(&window, (hit - from) as usize) {
                return Ok(Some(version));
            }
        }
        start += CHUNK_BYTES;
    }
    Ok(None)
}

/// The version between two zeros that is nearest to the text at `place`, if that is a release of Go.
fn nearest(window: &[u8], place: usize) -> Option<String> {
    let release = window.get(place..)?.split(|byte| *byte == 0).next()?.strip_prefix(b"go1.")?;
    if release.is_empty() || release.len() > 40 {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    let mut at = 0_usize;
    // What is cut at an end of the window has no zero there.
    let whole = window.iter().rposition(|byte| *byte == 0).unwrap_or_default();
    for (number, piece) in window[..whole].split(|byte| *byte == 0).enumerate() {
        let text = std::str::from_utf8(piece).ok().filter(|text| number > 0 && is_version(text));
        if let Some(text) = text.filter(|_| best.is_none_or(|(distance, _)| at.abs_diff(place) < distance)) {
            best = Some((at.abs_diff(place), text));
        }
        at += piece.len() + 1;
    }
    best.map(|(_, text)| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_tell_versions_of_the_program_itself() {
        let check = |flags: &str, module: &str, expect: Option<&str>| {
            let found = of_flags(flags, module);
            assert_eq!(found.as_ref().map(|stamp| stamp.version.as_str()), expect, "{flags}");
        };
        check(r#""-s -w -X main.version=1.2.3""#, "example.org/app", Some("v1.2.3"));
        check(r#""-X 'main.Version=v1.2.3-rc1' -X main.commit=0123""#, "example.org/app", Some("v1.2.3-rc1"));
        // As Debian builds Docker and kubectl.
        let docker = r#"" \t\t-w \t-X \"github.com/docker/docker/dockerversion.Version=20.10.24+dfsg1\" \t""#;
        check(docker, "github.com/docker/docker", Some("v20.10.24+dfsg1"));
        let kubectl = r#""-s -X 'k8s.io/kubernetes/vendor/k8s.io/client-go/pkg/version.gitCommit=faecb1' -X 'k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitVersion=v1.20.2'""#;
        check(kubectl, "k8s.io/kubernetes", Some("v1.20.2"));
        check("-X github.com/prometheus/common/version.Version=2.42.0", "example.org/app", Some("v2.42.0"));
        check("-X example.org/app/internal/v.Version=1.2.3", "example.org/app/v3", Some("v1.2.3"));
        check("-X example.org/application.Version=1.2.3", "example.org/app", None);
        check("-X example.org/other/version.Version=1.2.3", "example.org/app", None);
        check("-X main.apiVersion=1.2.3", "example.org/app", None);
        check("-X main.version=1.2.3;x", "example.org/app", None);
        check("-X main.version=unknown", "example.org/app", None);
        check("-X main.version=$(git", "example.org/app", None);
        check("", "", None);
    }

    #[test]
    fn versions_have_three_numbers() {
        for text in ["1.2.3", "v1.2.3", "2.42.0+ds", "1.6.7~rc0", "0.0.1-alpha.1", "1.2.3.4"] {
            assert!(is_version(text), "{text}");
        }
        for text in ["", "v", "1.2", "1.2.", "go1.19.8", "1.2.x", "12345678.1.1", "1.2.3 x", "a.b.c", "1..3"] {
            assert!(!is_version(text), "{text}");
        }
    }

    #[test]
    fn the_nearest_value_beside_the_release_of_go_counts() {
        let find = |bytes: &[u8]| beside_release(&bytes, &mut 1_000_000_000).unwrap();
        let values = b"\x009.9.9-7\0\0\0\0\0\0\0\0go1.19.8\0\0\0\0\x001.6.20~ds1\0\0\0";
        assert_eq!(find(values).as_deref(), Some("1.6.20~ds1"));
        for gap in [0, 1000, CHUNK_BYTES as usize - 20, CHUNK_BYTES as usize - 5, 3 << 20] {
            assert_eq!(find(&[vec![b'x'; gap], values.to_vec()].concat()).as_deref(), Some("1.6.20~ds1"), "{gap}");
        }
        assert_eq!(find(&[b"\0go1.19.8\0".as_slice(), &[0; 5000], b"1.2.3\0"].concat()), None, "too far");
        assert_eq!(find(b"\0go1.19.8\x001.2.3"), None, "cut");
        assert_eq!(find(b"\0go1.\x001.2.3\0"), None);
        assert_eq!(find(b"\x001.2.3\0"), None, "nothing of Go");
        assert_eq!(beside_release(&values.as_slice(), &mut 10).unwrap(), None, "no budget");
    }

    #[test]
    fn programs_are_told_by_whole_components_and_the_more_exact_path() {
        let module = |path| program_at(path).map(|program| program.module);
        assert_eq!(module("github.com/opencontainers/runc"), Some("github.com/opencontainers/runc"));
        assert_eq!(module("github.com/containerd/containerd/cmd/ctr"), Some("github.com/containerd/containerd"));
        assert_eq!(module("github.com/caddyserver/caddy/v2/cmd/caddy"), Some("github.com/caddyserver/caddy/v2"));
        assert_eq!(module("github.com/opencontainers/runcx"), None);
        for (index, program) in PROGRAMS.iter().enumerate() {
            assert_eq!(module(program.module), Some(program.module));
            assert!(
                PROGRAMS[..index].iter().all(|other| !is_below(program.module, other.module)),
                "{}",
                program.module
            );
        }
    }
}
