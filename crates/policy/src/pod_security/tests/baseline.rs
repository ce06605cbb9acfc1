//! The checks of `baseline`, version by version, in the words of the API server; the cases are those of upstream's
//! `check_*_test.go`.

use super::*;

#[test]
fn app_armor_profile() {
    let id = "appArmorProfile";
    let reason = "forbidden AppArmor profile";
    refused(
        "baseline@1.0",
        id,
        "  securityContext: {appArmorProfile: {type: Unconfined}}",
        reason,
        r#"pod must not set AppArmor profile type to "Unconfined""#,
        &["spec.securityContext.appArmorProfile.type"],
    );
    refused(
        "restricted",
        id,
        r"
  securityContext: {appArmorProfile: {type: RuntimeDefault}}
  containers: [{name: foo}]
  initContainers: [{name: bar, securityContext: {appArmorProfile: {type: Unconfined}}}]",
        reason,
        r#"container "bar" must not set AppArmor profile type to "Unconfined""#,
        &["spec.initContainers[0].securityContext.appArmorProfile.type"],
    );
    refused(
        "baseline",
        id,
        "  securityContext: {appArmorProfile: {}}",
        reason,
        r#"pod must not set AppArmor profile type to """#,
        &["spec.securityContext.appArmorProfile.type"],
    );
    allowed(
        "baseline",
        id,
        "  containers: [{securityContext: {appArmorProfile: {type: Localhost, localhostProfile: x}}}]",
    );
    let prefix = "container.apparmor.security.beta.kubernetes.io/";
    let annotations = |values: &[(&str, &str)]| {
        let fields: Vec<String> = values.iter().map(|(name, value)| format!("{prefix}{name}: {value:?}")).collect();
        format!("annotations: {{{}}}", fields.join(", "))
    };
    let fine = [("a", ""), ("b", "runtime/default"), ("c", "localhost/"), ("d", "localhost/foo")];
    assert_eq!(said(&whole_pod(&annotations(&fine), ""), "baseline", id), None);
    let bad = [("f", "unknown"), ("", "bogus"), ("e", "unconfined")];
    let (reason, detail, paths) = said(&whole_pod(&annotations(&bad), ""), "baseline", id).unwrap();
    assert_eq!(reason, "forbidden AppArmor profiles");
    assert_eq!(
        detail,
        format!(
            r#"annotations must not set AppArmor profile type to "{prefix}="bogus"", "{prefix}e="unconfined"", "{prefix}f="unknown"""#
        )
    );
    assert_eq!(paths, ["f", "", "e"].map(|name| format!("metadata.annotations[{prefix}{name}]")));
    let spec = "  securityContext: {appArmorProfile: {type: x}}\n  containers: [{name: a, securityContext: {appArmorProfile: {type: Unconfined}}}]";
    let (reason, detail, _) = said(&whole_pod(&annotations(&[("a", "\"\t")]), spec), "baseline", id).unwrap();
    assert_eq!(reason, "forbidden AppArmor profiles");
    assert_eq!(
        detail,
        format!(
            r#"pod and container "a" and annotation must not set AppArmor profile type to "Unconfined", "x", "{prefix}a="\"\t"""#
        )
    );
}

#[test]
fn texts_are_quoted_as_go_does() {
    for (text, quoted) in [
        ("unconfined", r#""unconfined""#),
        ("a\"b\\c", r#""a\"b\\c""#),
        ("\u{7}\u{8}\t\n\u{b}\u{c}\r", r#""\a\b\t\n\v\f\r""#),
        ("\0\u{1b}\u{7f}", r#""\x00\x1b\x7f""#),
        ("é日本", r#""é日本""#),
        (
            "\u{85}\u{a0}\u{ad}\u{200b}\u{2028}\u{202e}\u{feff}\u{e000}",
            r#""\u0085\u00a0\u00ad\u200b\u2028\u202e\ufeff\ue000""#,
        ),
        ("😀\u{f0000}", r#""😀\U000f0000""#),
    ] {
        assert_eq!(go_quoted(text), quoted);
    }
}

#[test]
fn capabilities() {
    let spec = r"
  containers:
  - {name: a, securityContext: {capabilities: {add: [FOO, BAR]}}}
  - {name: b, securityContext: {capabilities: {add: [BAR, BAZ]}}}
  - {name: c, securityContext: {capabilities: {add: [NET_BIND_SERVICE, CHOWN], drop: [ALL, FOO]}}}";
    refused(
        "baseline@1.0",
        "capabilities_baseline",
        spec,
        "non-default capabilities",
        r#"containers "a", "b" must not include "BAR", "BAZ", "FOO" in securityContext.capabilities.add"#,
        &[
            "spec.containers[0].securityContext.capabilities.add[0]",
            "spec.containers[0].securityContext.capabilities.add[1]",
            "spec.containers[1].securityContext.capabilities.add[0]",
            "spec.containers[1].securityContext.capabilities.add[1]",
        ],
    );
    assert!(said(&whole_pod("", spec), "restricted@1.21", "capabilities_baseline").is_some());
    allowed("restricted@1.21", "capabilities_restricted", spec);
    allowed("restricted@1.22", "capabilities_baseline", spec);
    refused(
        "restricted@1.22",
        "capabilities_restricted",
        spec,
        "unrestricted capabilities",
        r#"containers "a", "b" must set securityContext.capabilities.drop=["ALL"]; containers "a", "b", "c" must not include "BAR", "BAZ", "CHOWN", "FOO" in securityContext.capabilities.add"#,
        &[
            "spec.containers[0].securityContext.capabilities.drop",
            "spec.containers[1].securityContext.capabilities.drop",
            "spec.containers[0].securityContext.capabilities.add[0]",
            "spec.containers[0].securityContext.capabilities.add[1]",
            "spec.containers[1].securityContext.capabilities.add[0]",
            "spec.containers[1].securityContext.capabilities.add[1]",
            "spec.containers[2].securityContext.capabilities.add[1]",
        ],
    );
    // Names are taken as they are written: neither small letters nor `CAP_` are the same name.
    refused(
        "restricted",
        "capabilities_restricted",
        "  containers: [{name: a, securityContext: {capabilities: {add: [CAP_NET_BIND_SERVICE], drop: [all]}}}]",
        "unrestricted capabilities",
        r#"container "a" must set securityContext.capabilities.drop=["ALL"]; container "a" must not include "CAP_NET_BIND_SERVICE" in securityContext.capabilities.add"#,
        &[
            "spec.containers[0].securityContext.capabilities.drop",
            "spec.containers[0].securityContext.capabilities.add[0]",
        ],
    );
    // One that runtimes give, but that reaches the network beside it.
    assert!(
        said(
            &pod("", "  containers: [{securityContext: {capabilities: {add: [NET_RAW]}}}]"),
            "baseline",
            "capabilities_baseline"
        )
        .is_some()
    );
    let fine = "  containers: [{securityContext: {capabilities: {add: [NET_BIND_SERVICE], drop: [ALL]}}}]";
    allowed("restricted", "capabilities_restricted", fine);
}

#[test]
fn host_namespaces() {
    refused(
        "baseline@1.0",
        "hostNamespaces",
        "  hostIPC: true\n  hostPID: true\n  hostNetwork: true",
        "host namespaces",
        "hostNetwork=true, hostPID=true, hostIPC=true",
        &["spec.hostNetwork", "spec.hostPID", "spec.hostIPC"],
    );
    refused("restricted", "hostNamespaces", "  hostPID: on", "host namespaces", "hostPID=true", &["spec.hostPID"]);
    allowed("restricted", "hostNamespaces", "  hostPID: no\n  hostNetwork: false");
}

#[test]
fn host_path_volumes() {
    let spec =
        "  volumes: [{name: a, hostPath: {path: /}}, {name: b}, {name: c, hostPath: {}}, {name: d, hostPath: null}]";
    let paths = ["spec.volumes[0].hostPath", "spec.volumes[2].hostPath"];
    refused("baseline@1.0", "hostPathVolumes", spec, "hostPath volumes", r#"volumes "a", "c""#, &paths);
    let one = "  volumes: [{name: a, hostPath: {path: /}}]";
    refused("baseline", "hostPathVolumes", one, "hostPath volumes", r#"volume "a""#, &paths[..1]);
    allowed("restricted@1.0", "hostPathVolumes", spec);
    refused(
        "restricted@1.0",
        "restrictedVolumes",
        spec,
        "restricted volume types",
        r#"volumes "a", "c" use restricted volume type "hostPath""#,
        &paths,
    );
}

#[test]
fn host_ports() {
    refused(
        "baseline@1.0",
        "hostPorts",
        r"
  containers:
  - {name: a, ports: [{hostPort: 0}, {containerPort: 80}]}
  - {name: b, ports: [{hostPort: 20}, {hostPort: 0}]}
  - {name: c, ports: [{hostPort: 10}, {hostPort: 100}, {hostPort: 20}]}",
        "hostPort",
        r#"containers "b", "c" use hostPorts 10, 100, 20"#,
        &[
            "spec.containers[1].ports[0].hostPort",
            "spec.containers[2].ports[0].hostPort",
            "spec.containers[2].ports[1].hostPort",
            "spec.containers[2].ports[2].hostPort",
        ],
    );
    // In the node's network ports are the node's.
    refused(
        "restricted",
        "hostPorts",
        r"
  hostNetwork: true
  containers: [{name: a, ports: [{containerPort: 9100}]}]
  ephemeralContainers: [{name: e, ports: [{containerPort: 1}]}]",
        "hostPort",
        r#"container "a" uses hostPort 9100"#,
        &["spec.containers[0].ports[0].hostPort"],
    );
}

#[test]
fn hosts_of_probes_and_hooks() {
    let id = "hostProbesAndHostLifecycle";
    let spec = r"
  containers:
  - {name: valid, livenessProbe: {httpGet: {port: 1}, exec: {}}}
  - {name: invalid2, livenessProbe: {httpGet: {host: a.com}}, readinessProbe: {tcpSocket: {host: ''}}}
  - {name: invalid1, lifecycle: {preStop: {tcpSocket: {host: b.com}}}, startupProbe: {httpGet: {host: a.com}}}";
    refused(
        "baseline@1.34",
        id,
        spec,
        "probe or lifecycle host",
        r#"containers "invalid1", "invalid2" use probe or lifecycle hosts "a.com", "b.com""#,
        &[
            "spec.containers[1].livenessProbe.httpGet.host",
            "spec.containers[2].startupProbe.httpGet.host",
            "spec.containers[2].lifecycle.preStop.tcpSocket.host",
        ],
    );
    allowed("baseline@1.33", id, spec);
    refused(
        "restricted",
        id,
        "  initContainers: [{name: i, lifecycle: {postStart: {httpGet: {host: 127.0.0.1}}}}]",
        "probe or lifecycle host",
        r#"container "i" uses probe or lifecycle host "127.0.0.1""#,
        &["spec.initContainers[0].lifecycle.postStart.httpGet.host"],
    );
}

#[test]
fn privileged() {
    let spec = r"
  containers:
  - {name: a, securityContext: {privileged: false}}
  - {name: b, securityContext: {privileged: true}}
  ephemeralContainers: [{name: e, securityContext: {privileged: yes}}]";
    refused(
        "baseline@1.0",
        "privileged",
        spec,
        "privileged",
        r#"containers "b", "e" must not set securityContext.privileged=true"#,
        &["spec.containers[1].securityContext.privileged", "spec.ephemeralContainers[0].securityContext.privileged"],
    );
}

#[test]
fn proc_mount() {
    let spec = r"
  containers:
  - {name: a, securityContext: {procMount: Default}}
  - {name: b, securityContext: {procMount: Unmasked}}
  - {name: c, securityContext: {procMount: other}}";
    let detail = r#"containers "b", "c" must not set securityContext.procMount to "Unmasked", "other""#;
    let paths = ["spec.containers[1].securityContext.procMount", "spec.containers[2].securityContext.procMount"];
    for own in ["", "\n  hostUsers: true"] {
        let spec = format!("{spec}{own}");
        for of in ["baseline@1.0", "baseline@1.35", "restricted@1.34"] {
            refused(of, "procMount", &spec, "procMount", detail, &paths);
        }
        refused("restricted@1.35", "procMount_restricted", &spec, "procMount", detail, &paths);
    }
    // Users of its own open the baseline, and not what is above it.
    let own = format!("{spec}\n  hostUsers: false");
    refused("baseline@1.34", "procMount", &own, "procMount", detail, &paths);
    allowed("baseline@1.35", "procMount", &own);
    refused("restricted", "procMount_restricted", &own, "procMount", detail, &paths);
}

#[test]
fn selinux_options() {
    let (id, reason) = ("seLinuxOptions", "seLinuxOptions");
    let spec = r"
  containers:
  - {name: a, securityContext: {seLinuxOptions: {type: container_t, level: s0}}}
  - {name: b, securityContext: {seLinuxOptions: {type: container_init_t}}}
  - {name: c, securityContext: {seLinuxOptions: {type: container_kvm_t}}}
  - {name: d, securityContext: {seLinuxOptions: {type: bar}}}
  - {name: e, securityContext: {seLinuxOptions: {user: bar}}}
  - {name: f, securityContext: {seLinuxOptions: {role: baz}}}";
    refused(
        "baseline@1.0",
        id,
        &format!("  securityContext: {{seLinuxOptions: {{type: foo}}}}{spec}"),
        reason,
        r#"pod and containers "d", "e", "f" set forbidden securityContext.seLinuxOptions: types "bar", "foo"; user may not be set; role may not be set"#,
        &[
            "spec.securityContext.seLinuxOptions.type",
            "spec.containers[3].securityContext.seLinuxOptions.type",
            "spec.containers[4].securityContext.seLinuxOptions.user",
            "spec.containers[5].securityContext.seLinuxOptions.role",
        ],
    );
    refused(
        "restricted",
        id,
        "  securityContext: {seLinuxOptions: {type: foo, user: bar, role: baz}}",
        reason,
        r#"pod set forbidden securityContext.seLinuxOptions: type "foo"; user may not be set; role may not be set"#,
        &[
            "spec.securityContext.seLinuxOptions.type",
            "spec.securityContext.seLinuxOptions.user",
            "spec.securityContext.seLinuxOptions.role",
        ],
    );
    let role = "  containers: [{name: a, securityContext: {seLinuxOptions: {role: x, type: ''}}}]";
    let detail = r#"container "a" set forbidden securityContext.seLinuxOptions: role may not be set"#;
    refused("baseline", id, role, reason, detail, &["spec.containers[0].securityContext.seLinuxOptions.role"]);
    let engine = "  securityContext: {seLinuxOptions: {type: container_engine_t}}";
    assert!(said(&whole_pod("", engine), "baseline@1.30", id).is_some());
    allowed("baseline@1.31", id, engine);
    allowed("restricted", id, engine);
}

#[test]
fn seccomp_in_annotations_before_1_19() {
    let id = "seccompProfile_baseline";
    let pod = |annotations: &str, spec: &str| whole_pod(&format!("annotations: {{{annotations}}}"), spec);
    let (of_pod, of_container) =
        ("seccomp.security.alpha.kubernetes.io/pod", "container.seccomp.security.alpha.kubernetes.io/");
    let containers = "  containers: [{name: a}, {name: b}]\n  initContainers: [{name: c}]";
    let bad = pod(
        &format!(
            "{of_pod}: unconfined, {of_container}b: unknown, {of_container}a: unconfined, {of_container}c: docker/default, {of_container}gone: x"
        ),
        containers,
    );
    for of in ["baseline@1.0", "baseline@1.18", "restricted@1.18"] {
        let (reason, detail, paths) = said(&bad, of, id).unwrap();
        assert_eq!(reason, "seccompProfile");
        assert_eq!(
            detail,
            format!(
                r#"forbidden annotations {of_container}a="unconfined", {of_container}b="unknown", {of_pod}="unconfined""#
            )
        );
        let names = [format!("{of_container}a"), format!("{of_container}b"), of_pod.to_owned()];
        assert_eq!(paths, names.map(|name| format!("metadata.annotations[{name}]")));
    }
    assert_eq!(said(&bad, "baseline@1.19", id), None);
    let (_, detail, _) = said(&pod(&format!("{of_pod}: ''"), containers), "baseline@1.18", id).unwrap();
    assert_eq!(detail, format!(r#"forbidden annotation {of_pod}="""#));
    for fine in ["runtime/default", "docker/default", "localhost/x"] {
        assert_eq!(said(&pod(&format!("{of_pod}: {fine}"), containers), "baseline@1.0", id), None);
    }
}

#[test]
fn seccomp_in_fields_since_1_19() {
    let reason = "seccompProfile";
    let field = |container: usize| format!("spec.containers[{container}].securityContext.seccompProfile.type");
    let of_pod = "spec.securityContext.seccompProfile.type";
    let containers = r"
  containers:
  - {name: a}
  - {name: b, securityContext: {}}
  - {name: c, securityContext: {seccompProfile: {type: Unconfined}}}
  - {name: d, securityContext: {seccompProfile: {type: Unconfined}}}
  - {name: e, securityContext: {seccompProfile: {type: RuntimeDefault}}}
  - {name: f, securityContext: {seccompProfile: {type: Localhost}}}";
    let with_pod = |profile: &str| format!("  securityContext: {{seccompProfile: {{type: {profile}}}}}{containers}");
    for (of, id) in [
        ("baseline@1.19", "seccompProfile_baseline"),
        ("baseline", "seccompProfile_baseline"),
        ("restricted@1.19", "seccompProfile_restricted"),
        ("restricted", "seccompProfile_restricted"),
    ] {
        refused(
            of,
            id,
            &with_pod("RuntimeDefault"),
            reason,
            r#"containers "c", "d" must not set securityContext.seccompProfile.type to "Unconfined""#,
            &[&field(2), &field(3)],
        );
        refused(
            of,
            id,
            &with_pod("x"),
            reason,
            r#"pod and containers "c", "d" must not set securityContext.seccompProfile.type to "Unconfined", "x""#,
            &[of_pod, &field(2), &field(3)],
        );
    }
    assert_eq!(said(&whole_pod("", &with_pod("x")), "baseline@1.18", "seccompProfile_baseline"), None);
    let silent =
        "  containers: [{name: a}, {name: b, securityContext: {seccompProfile: {type: Localhost}}}, {name: c}]";
    refused(
        "restricted@1.19",
        "seccompProfile_restricted",
        silent,
        reason,
        r#"pod or containers "a", "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost""#,
        &[&field(0), &field(2)],
    );
    allowed("restricted@1.18", "seccompProfile_restricted", silent);
    allowed("baseline", "seccompProfile_baseline", silent);
    let fine = format!("  securityContext: {{seccompProfile: {{type: Localhost}}}}\n{silent}");
    allowed("restricted", "seccompProfile_restricted", &fine);
}

#[test]
fn sysctls() {
    let id = "sysctls";
    refused(
        "baseline@1.0",
        id,
        "  securityContext: {sysctls: [{name: a, value: x}, {name: kernel.shm_rmid_forced}, {name: b}]}",
        "forbidden sysctls",
        "a, b",
        &["spec.securityContext.sysctls[0].name", "spec.securityContext.sysctls[2].name"],
    );
    for (name, since) in [
        ("kernel.shm_rmid_forced", 0),
        ("net.ipv4.ip_local_port_range", 0),
        ("net.ipv4.tcp_syncookies", 0),
        ("net.ipv4.ping_group_range", 0),
        ("net.ipv4.ip_unprivileged_port_start", 0),
        ("net.ipv4.ip_local_reserved_ports", 27),
        ("net.ipv4.tcp_keepalive_time", 29),
        ("net.ipv4.tcp_fin_timeout", 29),
        ("net.ipv4.tcp_keepalive_intvl", 29),
        ("net.ipv4.tcp_keepalive_probes", 29),
        ("net.ipv4.tcp_rmem", 32),
        ("net.ipv4.tcp_wmem", 32),
        ("net.ipv4.tcp_slow_start_after_idle", 37),
        ("net.ipv4.tcp_notsent_lowat", 37),
    ] {
        let object = whole_pod("", &format!("  securityContext: {{sysctls: [{{name: {name}}}]}}"));
        for minor in 0..45 {
            let is_refused = said(&object, &format!("baseline@1.{minor}"), id).is_some();
            assert_eq!(is_refused, minor < since, "{name} in 1.{minor}");
        }
    }
}

#[test]
fn windows_host_process() {
    refused(
        "baseline@1.0",
        "windowsHostProcess",
        r"
  securityContext: {windowsOptions: {hostProcess: true}}
  containers:
  - {name: a, securityContext: {windowsOptions: {}}}
  - {name: b, securityContext: {windowsOptions: {hostProcess: true}}}
  - {name: c, securityContext: {windowsOptions: {hostProcess: false}}}",
        "hostProcess",
        r#"pod and container "b" must not set securityContext.windowsOptions.hostProcess=true"#,
        &[
            "spec.securityContext.windowsOptions.hostProcess",
            "spec.containers[1].securityContext.windowsOptions.hostProcess",
        ],
    );
}
