//! The checks of `restricted`, version by version, in the words of the API server; the cases are those of upstream's
//! `check_*_test.go`.

use super::*;

#[test]
fn allow_privilege_escalation() {
    let id = "allowPrivilegeEscalation";
    let spec = r"
  containers:
  - {name: a}
  - {name: b, securityContext: {allowPrivilegeEscalation: false}}
  - {name: c, securityContext: {allowPrivilegeEscalation: true}}
  initContainers: [{name: i, securityContext: {}}]
  ephemeralContainers: [{name: e}]";
    refused(
        "restricted@1.8",
        id,
        spec,
        "allowPrivilegeEscalation != false",
        r#"containers "i", "a", "c", "e" must set securityContext.allowPrivilegeEscalation=false"#,
        &[
            "spec.initContainers[0].securityContext.allowPrivilegeEscalation",
            "spec.containers[0].securityContext.allowPrivilegeEscalation",
            "spec.containers[2].securityContext.allowPrivilegeEscalation",
            "spec.ephemeralContainers[0].securityContext.allowPrivilegeEscalation",
        ],
    );
    refused(
        "restricted",
        id,
        "  os: {name: linux}\n  containers: [{name: a}]",
        "allowPrivilegeEscalation != false",
        r#"container "a" must set securityContext.allowPrivilegeEscalation=false"#,
        &["spec.containers[0].securityContext.allowPrivilegeEscalation"],
    );
    allowed("restricted@1.7", id, spec);
    allowed("baseline", id, spec);
}

#[test]
fn pods_for_windows_are_exempt_since_1_25() {
    let spec = "  os: {name: windows}\n  containers: [{name: a}]";
    for id in ["allowPrivilegeEscalation", "capabilities_restricted", "seccompProfile_restricted"] {
        assert!(said(&whole_pod("", spec), "restricted@1.24", id).is_some());
        allowed("restricted@1.25", id, spec);
        allowed("restricted", id, spec);
    }
    assert!(said(&whole_pod("", spec), "restricted", "runAsNonRoot").is_some());
}

#[test]
fn restricted_volumes() {
    let fine = [
        "emptyDir",
        "secret",
        "persistentVolumeClaim",
        "downwardAPI",
        "configMap",
        "projected",
        "csi",
        "ephemeral",
        "image",
    ];
    let bad = [
        "hostPath",
        "gcePersistentDisk",
        "awsElasticBlockStore",
        "gitRepo",
        "nfs",
        "iscsi",
        "glusterfs",
        "rbd",
        "flexVolume",
        "cinder",
        "cephfs",
        "flocker",
        "fc",
        "azureFile",
        "vsphereVolume",
        "quobyte",
        "azureDisk",
        "photonPersistentDisk",
        "portworxVolume",
        "scaleIO",
        "storageos",
        "soonToBe",
    ];
    let volume = |(index, kind): (usize, &&str)| format!("{{name: v{index}, {kind}: {{}}}}");
    let spec = |kinds: &[&str]| {
        let volumes: Vec<String> = kinds.iter().enumerate().map(volume).collect();
        format!("  volumes: [{{name: bare}}, {}]", volumes.join(", "))
    };
    for of in ["restricted@1.0", "restricted@1.25", "restricted"] {
        allowed(of, "restrictedVolumes", &spec(&fine));
        let (reason, detail, paths) = said(&whole_pod("", &spec(&bad)), of, "restrictedVolumes").unwrap();
        assert_eq!(reason, "restricted volume types");
        let names: Vec<String> = (0..bad.len()).map(|index| format!("\"v{index}\"")).collect();
        assert_eq!(
            detail,
            format!(
                r#"volumes {} use restricted volume types "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "fc", "flexVolume", "flocker", "gcePersistentDisk", "gitRepo", "glusterfs", "hostPath", "iscsi", "nfs", "photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "unknown", "vsphereVolume""#,
                names.join(", ")
            )
        );
        assert_eq!((&*paths[0], &*paths[21], paths.len()), ("spec.volumes[1].hostPath", "spec.volumes[22]", 22));
    }
    refused(
        "restricted",
        "restrictedVolumes",
        "  volumes: [{name: v, nfs: {server: x, path: /}}]",
        "restricted volume types",
        r#"volume "v" uses restricted volume type "nfs""#,
        &["spec.volumes[0].nfs"],
    );
    // Not even where the server would refuse it for two sources.
    let two = "  volumes: [{name: v, emptyDir: {}, hostPath: {path: /}}]";
    assert!(said(&whole_pod("", two), "restricted", "restrictedVolumes").is_some());
    allowed("baseline", "restrictedVolumes", &spec(&bad));
}

#[test]
fn run_as_non_root() {
    let (id, reason) = ("runAsNonRoot", "runAsNonRoot != true");
    let field = |container: usize| format!("spec.containers[{container}].securityContext.runAsNonRoot");
    refused(
        "restricted@1.0",
        id,
        "  containers: [{name: a}]",
        reason,
        r#"pod or container "a" must set securityContext.runAsNonRoot=true"#,
        &[&field(0)],
    );
    let spec = r"
  containers:
  - {name: a, securityContext: {runAsNonRoot: false}}
  - {name: b, securityContext: {}}
  - {name: c}
  - {name: d, securityContext: {runAsNonRoot: true}}";
    refused(
        "restricted@1.0",
        id,
        &format!("  securityContext: {{runAsNonRoot: false}}{spec}"),
        reason,
        r#"pod and container "a" must not set securityContext.runAsNonRoot=false"#,
        &["spec.securityContext.runAsNonRoot", &field(0)],
    );
    refused(
        "restricted",
        id,
        &format!("  securityContext: {{runAsNonRoot: true}}{spec}"),
        reason,
        r#"container "a" must not set securityContext.runAsNonRoot=false"#,
        &[&field(0)],
    );
    let silent = "  containers: [{name: a}, {name: b, securityContext: {runAsNonRoot: true}}, {name: c}]";
    let detail = r#"pod or containers "a", "c" must set securityContext.runAsNonRoot=true"#;
    refused("restricted", id, silent, reason, detail, &[&field(0), &field(2)]);
    allowed("restricted", id, &format!("  securityContext: {{runAsNonRoot: true}}\n{silent}"));
    refused(
        "restricted",
        id,
        "  securityContext: {runAsNonRoot: false}",
        reason,
        "pod must not set securityContext.runAsNonRoot=false",
        &["spec.securityContext.runAsNonRoot"],
    );
    // Users of its own are as good, since 1.35.
    let own = format!("{silent}\n  hostUsers: false");
    refused("restricted@1.34", id, &own, reason, detail, &[&field(0), &field(2)]);
    allowed("restricted@1.35", id, &own);
    refused("restricted@1.35", id, &format!("{silent}\n  hostUsers: true"), reason, detail, &[&field(0), &field(2)]);
    allowed("baseline", id, silent);
}

#[test]
fn run_as_user() {
    let id = "runAsUser";
    let spec = r"
  securityContext: {runAsUser: 0}
  containers:
  - {name: a}
  - {name: b, securityContext: {runAsUser: 0}}
  - {name: c, securityContext: {runAsUser: 1000}}
  - {name: d, securityContext: {runAsUser: 0}}";
    let detail = r#"pod and containers "b", "d" must not set runAsUser=0"#;
    let paths = [
        "spec.securityContext.runAsUser",
        "spec.containers[1].securityContext.runAsUser",
        "spec.containers[3].securityContext.runAsUser",
    ];
    refused("restricted@1.23", id, spec, "runAsUser=0", detail, &paths);
    allowed("restricted@1.22", id, spec);
    let own = format!("{spec}\n  hostUsers: false");
    refused("restricted@1.34", id, &own, "runAsUser=0", detail, &paths);
    allowed("restricted@1.35", id, &own);
    refused(
        "restricted",
        id,
        "  securityContext: {runAsUser: 0}",
        "runAsUser=0",
        "pod must not set runAsUser=0",
        &paths[..1],
    );
    allowed("restricted", id, "  containers: [{name: a}]");
}
