//! Facts of pods as terms in the language of the API server, with the defaults that manifests are read with.

use crate::criteria::Comparison;

/// What `path` below `of` is where it is there, and `other` where it is not: each part is looked for.
pub(super) fn field(of: &str, path: &str, other: &str) -> String {
    let mut at = of.to_owned();
    let mut parts = Vec::new();
    for name in path.split('.') {
        at = format!("{at}.{name}");
        parts.push(format!("has({at})"));
    }
    format!("({} ? {at} : {other})", parts.join(" && "))
}

/// The path of a node without what the kernel passes over, as manifests are read.
pub(super) fn plain_path(path: &str) -> String {
    let steps = format!("{path}.split('/').filter(step, step != '' && step != '.').join('/')");
    format!("(k == 'hostPath' && {path} != '' ? '/' + {steps} : {path})")
}

pub(super) fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Equal => "==",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Greater => ">",
    }
}

/// The number of pods, where a kind has one; what has none is no number.
pub(super) fn replicas(comparison: Comparison, wanted: f64) -> String {
    let sign = operator(comparison);
    // As a double, with a point.
    let wanted = format!("{wanted:?}");
    let replicas = field("object.spec", "replicas", "1");
    let parallelism = field("object.spec", "parallelism", "1");
    format!(
        "(object.kind == 'Job' ? double({parallelism}) {sign} {wanted} : \
         object.kind in ['Deployment', 'DeploymentConfig', 'ReplicaSet', 'ReplicationController', 'StatefulSet'] && \
         double({replicas}) {sign} {wanted})"
    )
}

/// Capabilities may have `CAP_` before them, and be in small letters.
pub(super) fn capability(of: &str, list: &str, wanted: &str) -> String {
    let list = field(of, &format!("securityContext.capabilities.{list}"), "[]");
    format!("{list}.exists(x, x.upperAscii() in ['{wanted}', 'CAP_{wanted}', 'ALL', 'CAP_ALL'])")
}

/// What `test` says of the user of the container, or else of the pod's; `none` where no user is set.
pub(super) fn run_as_user(of: &str, test: &dyn Fn(&str) -> String, none: &str) -> String {
    let user = |of: &str, other: &str| {
        let context = format!("{of}.securityContext");
        let said = test(&format!("{context}.runAsUser"));
        format!("(has({context}) && has({context}.runAsUser) ? {said} : {other})")
    };
    user(of, &user("variables.spec", none))
}

/// The container's, or else the pod's; none is no profile.
pub(super) fn seccomp(of: &str, wanted: &str) -> String {
    let pod = field("variables.spec", "securityContext.seccompProfile.type", "'Unconfined'");
    let profile = field(of, "securityContext.seccompProfile.type", &pod);
    let wanted = match wanted {
        "RUNTIME_DEFAULT" => "RuntimeDefault",
        "LOCALHOST" => "Localhost",
        _ => "Unconfined",
    };
    format!("{profile} == '{wanted}'")
}

/// The profile as annotations name it: of the container, by annotation, of the pod, or none.
pub(super) fn apparmor(of: &str) -> String {
    let profile = |of: &str, other: &str| {
        let at = format!("{of}.securityContext.appArmorProfile");
        format!(
            "(has({of}.securityContext) && has({at}) ? ({at}.type == 'Localhost' ? 'localhost/' + {} : \
             {at}.type == 'RuntimeDefault' ? 'runtime/default' : 'unconfined') : {other})",
            field(&at, "localhostProfile", "''")
        )
    };
    let annotations = "variables.pod.metadata.annotations";
    let key = format!("'container.apparmor.security.beta.kubernetes.io/' + {}", field(of, "name", "''"));
    let pod = profile("variables.spec", "''");
    let annotated = format!(
        "(has(variables.pod.metadata) && has({annotations}) && ({key}) in {annotations} ? {annotations}[{key}] : {pod})"
    );
    profile(of, &annotated)
}

/// Whether `test` holds of the field `k` of the volume `v` that is mounted; `none` where no such volume is there.
pub(super) fn of_volume(of: &str, test: &str, none: bool) -> String {
    let volumes = field("variables.spec", "volumes", "[]");
    let named = format!("{volumes}.filter(v, v.name == {of}.name)");
    let found = format!("{named}.exists(v, v.exists(k, k != 'name' && {test}))");
    if none { format!("({found} || {named}.size() == 0)") } else { found }
}
