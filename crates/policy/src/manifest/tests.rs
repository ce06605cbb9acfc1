use super::*;
use crate::testing::corpus;
use sekisho_base::Limits;
use sekisho_model::{ContainerKind, EnvSource, ExposureMethod, Fact, Level, Permissions, Propagation, Seccomp};

fn read(text: &str) -> Vec<Object> {
    let (found, diagnostics) = objects("x.yaml", text, &Limits::default());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    found
}

fn workloads_of(text: &str) -> Vec<Workload> {
    let objects = read(text);
    let (found, diagnostics) = workloads(&objects);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    found.into_iter().map(|found| found.workload).collect()
}

fn one(text: &str) -> Workload {
    let mut found = workloads_of(text);
    assert_eq!(found.len(), 1);
    found.remove(0)
}

const WEB: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}, annotations: {owner: me}}
spec:
  replicas: 3
  template:
    metadata: {labels: {app: web, tier: "1"}}
    spec:
      serviceAccountName: web
      hostPID: yes
      securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
      initContainers:
      - {name: init, image: busybox}
      containers:
      - name: nginx
        image: nginx:1.27@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        securityContext:
          privileged: true
          readOnlyRootFilesystem: true
          allowPrivilegeEscalation: false
          capabilities: {add: [net_admin, CAP_SYS_TIME], drop: [ALL]}
          seccompProfile: {type: Unconfined}
        resources: {requests: {cpu: 500m, memory: 128Mi}, limits: {cpu: 1}}
        livenessProbe: {httpGet: {port: 80}}
        env:
        - {name: A, value: "1"}
        - {name: B}
        - {name: C, valueFrom: {secretKeyRef: {name: s, key: k}}}
        envFrom:
        - {prefix: P_, configMapRef: {name: cm}}
        ports:
        - {name: http, containerPort: 80}
        - {containerPort: 8443, hostPort: 443, protocol: UDP}
        volumeMounts:
        - {name: sock, mountPath: /run/docker.sock, mountPropagation: Bidirectional}
        - {name: tmp, mountPath: /tmp, readOnly: true}
      volumes:
      - {name: sock, hostPath: {path: /var/run/docker.sock}}
      - {name: tmp, emptyDir: {}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 8080, targetPort: http, nodePort: 30080}, {port: 9000}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{http: {paths: [{backend: {service: {name: web}}}]}}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchExpressions: [{key: app, operator: In, values: [web]}]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{kind: ServiceAccount, name: web}]
"#;

#[test]
fn a_deployment_is_read_with_the_defaults_of_the_server() {
    let web = one(WEB);
    assert_eq!((&*web.kind, &*web.name, &*web.namespace, web.replicas), ("Deployment", "web", "shop", Some(3)));
    assert_eq!((&*web.service_account, web.automount_token), ("web", true));
    assert!(web.host_pid && !web.host_network && !web.host_ipc);
    assert_eq!(web.pod_path, "spec.template.spec");
    let [init, nginx] = web.containers.as_slice() else { panic!("{:?}", web.containers) };
    assert_eq!((init.kind, init.path.as_str()), (ContainerKind::Init, "spec.template.spec.initContainers[0]"));
    assert_eq!(init.image_ref.as_ref().unwrap().to_string(), "docker.io/library/busybox:latest");
    assert!(init.allow_privilege_escalation && !init.privileged && init.ports.is_empty());
    assert_eq!((init.seccomp, nginx.seccomp), (Some(Seccomp::RuntimeDefault), Some(Seccomp::Unconfined)));
    assert_eq!((nginx.run_as_non_root, nginx.run_as_user), (Some(true), Some(1000)));
    assert!(nginx.privileged && nginx.read_only_root && !nginx.allow_privilege_escalation);
    assert_eq!(nginx.add_capabilities, ["NET_ADMIN", "SYS_TIME"]);
    assert_eq!(nginx.drop_capabilities, ["ALL"]);
    assert_eq!((nginx.cpu_request, nginx.cpu_limit, nginx.memory_limit), (Some(0.5), Some(1.0), None));
    assert_eq!(nginx.memory_request, Some(134_217_728.0));
    assert!(nginx.liveness_probe && !nginx.readiness_probe);
    let env: Vec<_> = nginx.env.iter().map(|var| (&*var.name, &*var.value, var.source)).collect();
    assert_eq!(
        env,
        [
            ("A", "1", EnvSource::Raw),
            ("B", "", EnvSource::Unset),
            ("C", "s", EnvSource::SecretKey),
            ("P_", "cm", EnvSource::ConfigMapKey)
        ]
    );
    let volumes: Vec<_> =
        nginx.volumes.iter().map(|it| (&*it.kind, &*it.source, it.read_only, it.propagation)).collect();
    assert_eq!(
        volumes,
        [
            ("HostPath", "/var/run/docker.sock", false, Propagation::Bidirectional),
            ("EmptyDir", "", true, Propagation::None)
        ]
    );
}

#[test]
fn other_objects_say_how_it_is_reached_and_what_it_may() {
    let web = one(WEB);
    let ports: Vec<_> = (web.containers.iter().flat_map(|container| &container.ports))
        .map(|port| {
            let exposures = port.exposures.iter().map(|it| (it.method, it.node_port.clone())).collect::<Vec<_>>();
            (port.container_port, &*port.protocol, exposures)
        })
        .collect();
    let (node, route) = (ExposureMethod::Node, ExposureMethod::Route);
    let known = |port| Some(Fact::Known(port));
    let chosen = Some(Fact::Unknown("the cluster chooses the node port of Service/web".to_owned()));
    assert_eq!(
        ports,
        [
            (80, "TCP", vec![(node, known(30080)), (route, known(30080))]),
            (8443, "UDP", vec![(ExposureMethod::Host, known(443))]),
            // Declared nowhere, and reached all the same.
            (9000, "TCP", vec![(node, chosen.clone()), (route, chosen)]),
        ]
    );
    assert_eq!((web.ingress_policy, web.egress_policy), (Fact::Known(true), Fact::Known(false)));
    assert_eq!(web.permissions, Fact::Known(Permissions::ElevatedInNamespace));
}

#[test]
fn permissions_are_the_most_that_is_bound() {
    let check = |bindings: &str, expect: Fact<Permissions>| {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: b}]}\n---\n";
        assert_eq!(one(&format!("{pod}{bindings}")).permissions, expect, "{bindings}");
    };
    let role = |kind: &str, rules: &str| {
        format!(
            "{{apiVersion: rbac.authorization.k8s.io/v1, kind: {kind}, metadata: {{name: r}}, rules: [{rules}]}}\n---\n"
        )
    };
    let bound = |kind: &str, role: &str, subject: &str| {
        format!(
            "{{apiVersion: rbac.authorization.k8s.io/v1, kind: {kind}, metadata: {{name: b}}, roleRef: {{kind: {role}}}, subjects: [{subject}]}}\n"
        )
    };
    let own = "{kind: ServiceAccount, name: default, namespace: default}";
    check("", Fact::Known(Permissions::None));
    check(
        &bound("ClusterRoleBinding", "ClusterRole, name: cluster-admin", own),
        Fact::Known(Permissions::ClusterAdmin),
    );
    check(
        &bound("RoleBinding", "ClusterRole, name: cluster-admin", own),
        Fact::Known(Permissions::ElevatedInNamespace),
    );
    check(&bound("ClusterRoleBinding", "ClusterRole, name: view", own), Fact::Known(Permissions::ElevatedClusterWide));
    check(&bound("RoleBinding", "ClusterRole, name: view", own), Fact::Known(Permissions::Default));
    check(
        &bound(
            "ClusterRoleBinding",
            "ClusterRole, name: cluster-admin",
            "{kind: Group, name: 'system:serviceaccounts'}",
        ),
        Fact::Known(Permissions::ClusterAdmin),
    );
    check(
        &bound(
            "ClusterRoleBinding",
            "ClusterRole, name: cluster-admin",
            "{kind: ServiceAccount, name: other, namespace: default}",
        ),
        Fact::Known(Permissions::None),
    );
    check(
        &bound("RoleBinding", "Role, name: gone", own),
        Fact::Unknown("the Role gone is not among the objects".to_owned()),
    );
    let rules = [
        ("{apiGroups: ['*'], resources: ['*'], verbs: ['*']}", Permissions::ClusterAdmin),
        ("{apiGroups: [''], resources: [pods], verbs: [get]}", Permissions::ElevatedClusterWide),
        ("{nonResourceURLs: ['/metrics'], verbs: [get]}", Permissions::None),
        ("{apiGroups: ['*'], resources: ['*'], verbs: ['*'], resourceNames: [one]}", Permissions::ElevatedClusterWide),
    ];
    for (rule, level) in rules {
        let bound = bound("ClusterRoleBinding", "ClusterRole, name: r", own);
        check(&(role("ClusterRole", rule) + &bound), Fact::Known(level));
    }
    let lists = role("Role", "{apiGroups: ['*'], resources: ['*'], verbs: [list]}");
    check(&(lists + &bound("RoleBinding", "Role, name: r", own)), Fact::Known(Permissions::ElevatedInNamespace));
    let put_together = role("ClusterRole", "").replace("rules", "aggregationRule: {}, rules");
    let bound = bound("RoleBinding", "ClusterRole, name: r", own);
    assert!(matches!(one(&format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: a}}]}}\n---\n{put_together}{bound}")).permissions, Fact::Unknown(_)));
}

#[test]
fn every_kind_has_its_pod_where_it_is() {
    let pod = "{containers: [{name: a, image: b}]}";
    for (kind, text) in [
        ("Pod", format!("apiVersion: v1\nkind: Pod\nspec: {pod}\n")),
        ("PodTemplate", format!("apiVersion: v1\nkind: PodTemplate\ntemplate: {{spec: {pod}}}\n")),
        (
            "ReplicationController",
            format!("apiVersion: v1\nkind: ReplicationController\nspec: {{template: {{spec: {pod}}}}}\n"),
        ),
        (
            "DaemonSet",
            format!("apiVersion: extensions/v1beta1\nkind: DaemonSet\nspec: {{template: {{spec: {pod}}}}}\n"),
        ),
        (
            "CronJob",
            format!(
                "apiVersion: batch/v1beta1\nkind: CronJob\nspec: {{jobTemplate: {{spec: {{template: {{spec: {pod}}}}}}}}}\n"
            ),
        ),
        (
            "DeploymentConfig",
            format!("apiVersion: apps.openshift.io/v1\nkind: DeploymentConfig\nspec: {{template: {{spec: {pod}}}}}\n"),
        ),
        ("Rollout", format!("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {{template: {{spec: {pod}}}}}\n")),
    ] {
        let workload = one(&text);
        assert_eq!((workload.kind.as_str(), workload.containers.len(), &*workload.namespace), (kind, 1, "default"));
    }
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {{apiVersion: v1, kind: Pod, metadata: {{name: x}}, spec: {pod}}}\n- apiVersion: v1\n  kind: PodList\n  items: [{{metadata: {{name: w}}, spec: {pod}}}]\n- {{apiVersion: v1, kind: Pod, metadata: {{name: z}}, spec: {pod}}}\n"
    );
    let names: Vec<String> = workloads_of(&list).into_iter().map(|workload| workload.name).collect();
    assert_eq!(names, ["x", "w", "z"]);
}

#[test]
fn containers_of_kinds_that_are_not_known_are_told() {
    let check = |text: &str, expect: &[&str]| {
        let objects = read(text);
        let (found, diagnostics) = workloads(&objects);
        let told: Vec<&str> = diagnostics.iter().map(|it| it.message.as_str()).collect();
        assert_eq!((found.len(), told.as_slice()), (0, expect), "{text}");
        assert!(diagnostics.iter().all(|told| told.level == Level::Incomplete));
    };
    let said =
        |what: &str| format!("line 1: {what} has containers, and is of a kind that is not known: they were not judged");
    let pod = "{containers: [{name: a, image: b}]}";
    check(
        &format!("apiVersion: foo.io/v1\nkind: Foo\nmetadata: {{name: r}}\nspec: {{template: {{spec: {pod}}}}}\n"),
        &[&said("Foo/r (foo.io/v1)")],
    );
    check(&format!("apiVersion: v1\nkind: pod\nmetadata: {{name: p}}\nspec: {pod}\n"), &[&said("pod/p (v1)")]);
    check(
        &format!(
            "apiVersion: template.openshift.io/v1\nkind: Template\nmetadata: {{name: t}}\nobjects: [{{kind: Pod, spec: {pod}}}]\n"
        ),
        &[&said("Template/t (template.openshift.io/v1)")],
    );
    check(
        "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: t}\nspec: {steps: [{name: a, image: b, script: x}]}\n",
        &[&said("Task/t (tekton.dev/v1)")],
    );
    check(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec: {templates: [{container: {image: b}}]}\n",
        &[&said("Workflow/w (argoproj.io/v1alpha1)")],
    );
    check("apiVersion: foo.io/v1\nkind: Foo\nspec: {containers: {type: array}, list: [{containers: [a]}]}\n", &[]);
    // Who runs an image of its own as it sees fit says so itself.
    check("apiVersion: foo.io/v1\nkind: Database\nspec: {image: postgres, steps: [a], container: x}\n", &[]);
}

#[test]
fn what_the_server_would_refuse_is_told_with_its_line() {
    let check = |text: &str, expect: &[&str]| {
        let objects = read(text);
        let (_, diagnostics) = workloads(&objects);
        let told: Vec<&str> = diagnostics.iter().map(|told| told.message.as_str()).collect();
        assert!(diagnostics.iter().all(|told| told.level == Level::Incomplete));
        assert_eq!(told, expect);
    };
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n";
    check(&format!("{pod}spec:\n  hostPID: 'true'\n"), &["Pod/p, line 5: spec.hostPID is a text, not true or false"]);
    check(&format!("{pod}spec: {{containers: x}}\n"), &["Pod/p, line 4: spec.containers is a text, not a list"]);
    check(
        &format!("{pod}spec: {{containers: [x]}}\n"),
        &["Pod/p, line 4: spec.containers[0] is a text, not a container"],
    );
    check(
        &format!("{pod}spec: {{containers: [{{name: a, resources: {{limits: {{cpu: many}}}}}}]}}\n"),
        &["Pod/p, line 4: spec.containers[0].resources.limits.cpu is a text, not a quantity"],
    );
    check(pod, &["Pod/p: there is no spec"]);
    // YAML's own trap: the name is a truth value.
    check(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: y}\nspec: {}\n",
        &["Pod, line 3: metadata.name is a truth value, not a text"],
    );
    check("apiVersion: apps/v1\nkind: Deployment\nspec: 1\n", &["Deployment: there is no spec.template"]);
}

#[test]
fn routes_lead_to_services_wherever_these_are() {
    let routed = |route: &str| {
        let service = |name: &str, label: &str| {
            format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\n\
                 spec: {{selector: {{app: {label}}}, ports: [{{port: 80}}]}}\n---\n"
            )
        };
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\n\
                   spec: {containers: [{name: web, image: web, ports: [{containerPort: 80}]}]}\n---\n";
        let text = format!("{}{}{pod}{route}", service("web", "web"), service("other", "other"));
        let exposures = one(&text).containers[0].ports[0].exposures.clone();
        exposures.iter().any(|it| it.method == ExposureMethod::Route)
    };
    let gateway = |kind: &str, namespace: &str, backend: &str| {
        routed(&format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: {kind}\nmetadata: {{name: r, namespace: {namespace}}}\n\
             spec: {{rules: [{{matches: []}}, {{backendRefs: [{{{backend}}}]}}]}}\n"
        ))
    };
    assert!(gateway("HTTPRoute", "shop", "name: web, port: 80"));
    assert!(gateway("TCPRoute", "shop", "name: web, kind: Service, group: ''"));
    assert!(gateway("GRPCRoute", "edge", "name: web, namespace: shop"));
    assert!(!gateway("HTTPRoute", "edge", "name: web"));
    assert!(!gateway("HTTPRoute", "shop", "name: other"));
    assert!(!gateway("HTTPRoute", "shop", "name: web, kind: ServiceImport, group: multicluster.x-k8s.io"));
    let openshift = |spec: &str| {
        routed(&format!(
            "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {{name: r, namespace: shop}}\nspec: {spec}\n"
        ))
    };
    assert!(openshift("{to: {kind: Service, name: web}}"));
    assert!(openshift("{to: {name: other}, alternateBackends: [{kind: Service, name: web}]}"));
    assert!(!openshift("{to: {name: other}}"));
}

#[test]
fn objects_are_put_into_a_namespace_where_they_name_none() {
    let mut objects = read(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n\
         apiVersion: v1\nkind: Pod\nmetadata: {name: b, namespace: own}\n---\n\
         apiVersion: v1\nkind: Namespace\nmetadata: {name: c}\n---\n\
         apiVersion: x.org/v1\nkind: Wide\nmetadata: {name: d}\n---\n\
         apiVersion: x.org/v1\nkind: Other\nmetadata: {name: e, namespace: ''}\n---\n\
         apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: f}\n\
         spec: {group: x.org, scope: Cluster, names: {kind: Wide, plural: wides}}\n",
    );
    put_into("shop", &mut objects);
    let found: Vec<_> = (objects.iter())
        .map(|it| (it.namespace.as_str(), it.node.at(&["metadata", "namespace"]).and_then(Node::as_str)))
        .collect();
    let (shop, none) = (("shop", Some("shop")), ("", None));
    assert_eq!(found, [shop, ("own", Some("own")), none, none, shop, none]);
}

#[test]
fn what_is_no_object_is_told() {
    let told = |text: &str| {
        let (found, diagnostics) = objects("x.yaml", text, &Limits::default());
        let told = diagnostics.into_iter().map(|told| (told.level, told.message)).collect::<Vec<_>>();
        (found.len(), told)
    };
    assert_eq!(
        told("a: 1\n---\napiVersion: v1\nkind: Pod\n"),
        (1, vec![(Level::Note, "document 1, line 1: names no apiVersion and kind, so it is no object".to_owned())])
    );
    for (text, what) in [("error\n", "a text"), ("[]\n", "a list"), ("3\n", "a number")] {
        let message = format!("document 1, line 1: is {what}, not an object");
        assert_eq!(told(text), (0, vec![(Level::Incomplete, message)]));
    }
    // What was meant as an object is not passed over.
    for text in [
        "kind: Pod\nspec: {containers: [{name: a, image: b}]}\n",
        "apiversion: v1\nkind: Pod\n",
        "spec: {template: {spec: {initContainers: [{name: a, image: b}]}}}\n",
    ] {
        let (found, told) = told(text);
        assert_eq!((found, told[0].0), (0, Level::Incomplete), "{text}");
    }
    assert_eq!(
        told("apiVersion: v1\nkind: List\nitems: {apiVersion: v1, kind: Pod}\n"),
        (0, vec![(Level::Incomplete, "document 1, line 1: the items of List are a map, not a list".to_owned())])
    );
    assert_eq!(told("apiVersion: v1\nkind: List\nitems:\n"), (0, Vec::new()));
    let (found, told_of) = told("apiVersion: v1\nkind: Pod\nspec: {{ .Values.pod }}\n");
    assert_eq!((found, told_of[0].0), (0, Level::Incomplete));
    assert!(told_of[0].1.ends_with("; a template must be rendered first"), "{told_of:?}");
    assert_eq!(told(""), (0, Vec::new()));
    let twice =
        "apiVersion: v1\nkind: Pod\nspec:\n  hostPID: true\n  hostIPC: true\n  hostPID: false\n  hostIPC: false\n";
    let message = "document 1, line 6: \"hostPID\" stands there before, and 1 more: the last one counts";
    assert_eq!(told(twice), (1, vec![(Level::Note, message.to_owned())]));
}

#[test]
fn places_are_those_of_fields_or_of_what_is_above() {
    let objects = read("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: b\n");
    let line = |path: &str| objects[0].place(path).line;
    assert_eq!(line("spec.containers[0].image"), 6);
    assert_eq!(line("spec.containers[0].securityContext.privileged"), 5);
    assert_eq!((line("spec.containers[7].image"), line("")), (4, 1));
}

#[test]
fn corpus_manifests_name_their_images() {
    let Some(corpus) = corpus("policies/manifests") else { return };
    let text = std::fs::read(corpus.join("index.json")).unwrap();
    let index = sekisho_base::tree::from_json(&text).unwrap();
    let manifests = index.get("manifests").unwrap().items();
    assert_eq!(manifests.len(), 40);
    for manifest in manifests {
        let texts = |name: &str| -> Vec<&str> {
            manifest.get(name).unwrap().items().iter().map(|item| item.as_str().unwrap()).collect()
        };
        let file = manifest.get("file").unwrap().as_str().unwrap();
        let text = std::fs::read_to_string(corpus.join(file)).unwrap();
        let (objects, diagnostics) = objects(file, &text, &Limits::default());
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        let mut kinds: Vec<&str> = objects.iter().map(|object| object.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let mut expected = texts("kinds");
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(kinds, expected, "{file}");
        let (found, diagnostics) = workloads(&objects);
        assert!(diagnostics.is_empty(), "{file}: {diagnostics:?}");
        let containers = found.iter().flat_map(|found| &found.workload.containers);
        let mut images: Vec<&str> = containers.map(|container| container.image.as_str()).collect();
        images.sort_unstable();
        images.dedup();
        let mut expected = texts("images");
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(images, expected, "{file}");
    }
}
