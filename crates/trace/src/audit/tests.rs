use super::*;
use crate::field::FieldError;
use sekisho_base::Limits;
use sekisho_model::{Code, Diagnostic, Level};
use std::io::Read;

fn read(text: impl Read, limits: &Limits) -> (Vec<AuditEvent>, Vec<Diagnostic>) {
    let mut reader = Reader::new(text, 1 << 20, limits).unwrap();
    let events = reader.by_ref().collect();
    (events, reader.diagnostics().to_vec())
}

fn events(name: &str) -> (Vec<AuditEvent>, Vec<Diagnostic>) {
    let text = std::fs::read(format!("src/audit/fixtures/{name}.json")).unwrap();
    read(&*text, &Limits::default())
}

fn shown(event: &AuditEvent, field: &str) -> String {
    let field = Field::parse(field).unwrap_or_else(|error: FieldError| panic!("{error}"));
    match event.value(&field) {
        Value::Absent => "<NA>".to_owned(),
        Value::Unknown(why) => format!("unknown: {why}"),
        value => value.scalars().iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
    }
}

fn of(json: &str) -> AuditEvent {
    let (events, diagnostics) = read(json.as_bytes(), &Limits::default());
    assert_eq!(diagnostics, []);
    events.into_iter().next().unwrap()
}

#[test]
fn what_the_api_server_wrote_is_read() {
    let (all, diagnostics) = events("attach_pod");
    assert!(diagnostics.is_empty());
    let check = |field: &str, expect: &str| assert_eq!(shown(&all[0], field), expect, "{field}");
    check("ka.verb", "create");
    check("ka.target.resource", "pods");
    check("ka.target.subresource", "attach");
    check("ka.target.namespace", "default");
    check("ka.auth.decision", "allow");
    check("ka.auth.reason", "");
    check("ka.response.code", "101");
    check("ka.uri.param[container]", "nginx1");
    check("ka.uri.param[nothing]", "<NA>");
    check("jevt.value[/stage]", "ResponseStarted");
    check("jevt.value[/objectRef/apiVersion]", "v1");
    check("ka.req.pod.containers.image", "<NA>");
    check("evt.source", "k8s_audit");
    check("proc.name", "unknown: events of this source do not have the field");
    check("ka.cluster.name", "unknown: audit events do not name their cluster");
    let (all, _) = events("create_cluster_role_wildcard_resources");
    assert_eq!(shown(&all[0], "ka.req.role.rules.resources"), "*");
    let (all, _) = events("create_nginx_pod_nohostnetwork");
    assert_eq!(shown(&all[0], "ka.req.pod.host_network"), "<NA>");
    assert!(shown(&all[0], "ka.req.pod.containers.image").starts_with("nginx"));
}

#[test]
fn every_trace_has_its_events_and_what_is_none_is_named() {
    for name in [
        "attach_pod",
        "create_cluster_role_wildcard_resources",
        "create_nginx_pod_nohostnetwork",
        "delete_clusterrole",
        "delete_clusterrolebinding",
        "delete_secret",
        "delete_serviceaccount",
    ] {
        let (all, diagnostics) = events(name);
        assert!(!all.is_empty() && diagnostics.is_empty(), "{name}: {diagnostics:?}");
        assert!(all.iter().all(|event| event.time > 0), "{name}");
    }
    let (all, diagnostics) = events("fal_01_003");
    assert!(all.is_empty());
    assert_eq!(
        diagnostics[0].to_string(),
        "a record without a kind after 0 audit events was left out: data not recognized as a k8s audit event"
    );
}

/// Gives a few bytes at a time, as pipes do.
struct Slowly<'a>(&'a [u8], usize);

impl Read for Slowly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = self.1.min(buffer.len()).min(self.0.len());
        let (now, rest) = self.0.split_at(most);
        buffer[..most].copy_from_slice(now);
        self.0 = rest;
        Ok(most)
    }
}

/// The same again and again.
struct Again<'a>(&'a [u8], usize, usize);

impl Read for Again<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.2 == 0 {
            return Ok(0);
        }
        let read = (&self.0[self.1..]).read(buffer)?;
        self.1 += read;
        if self.1 == self.0.len() {
            (self.1, self.2) = (0, self.2 - 1);
        }
        Ok(read)
    }
}

const EVENT: &str = r#"{"kind":"Event","auditID":"1","verb":"get","stageTimestamp":"2024-05-01T00:00:01.5Z"}"#;

#[test]
fn lists_and_lines_are_read_and_a_broken_line_costs_only_itself() {
    let text = format!("{EVENT}\n{{\"kind\":\"EventList\",\"items\":[{EVENT},{{}}]}}\nnot json\n12\n{EVENT}\n");
    for size in [1, 7, 1000] {
        let (all, diagnostics) = read(Slowly(text.as_bytes(), size), &Limits::default());
        assert_eq!(all.iter().map(|event| event.number).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(shown(&all[0], "jevt.rawtime"), "1714521601500000000");
        assert_eq!(shown(&all[0], "jevt.time.iso8601"), "2024-05-01T00:00:01.500000000+0000");
        let levels: Vec<Level> = diagnostics.iter().map(|told| told.level).collect();
        assert_eq!(levels, [Level::Note, Level::Incomplete, Level::Note], "{diagnostics:?}");
    }
    let many = "{}\n".repeat(100);
    let (_, diagnostics) = read(many.as_bytes(), &Limits::default());
    assert_eq!(diagnostics.last().unwrap().to_string(), "95 more records are no audit events and were left out");
}

#[test]
fn what_follows_something_broken_is_read() {
    let read = |text: &str| {
        let (events, diagnostics) = read(text.as_bytes(), &Limits::default());
        (events.len(), diagnostics.len())
    };
    let cut = &EVENT[..EVENT.len() - 1];
    assert_eq!(read(&format!("{cut}\n{EVENT}\n")), (1, 1), "an object that does not end");
    assert_eq!(read(&format!("{}\n{EVENT}\n", &EVENT[..30])), (1, 1), "nor a text");
    assert_eq!(read(&format!("{{\"a\":\n{{\"b\":}}\n{EVENT}")), (1, 2), "over several lines");
    assert_eq!(read(&format!("{EVENT}\n{cut}")), (1, 1), "at the end");
    assert_eq!(read(&format!("{EVENT}\n{EVENT}{cut},\n{EVENT}")), (3, 1));
    assert_eq!(read(&"[".repeat(100_000)), (0, 1), "too deep");
    assert_eq!(read(""), (0, 0));
}

#[test]
fn a_record_is_bounded_and_a_log_is_not() {
    let text = format!("{EVENT}\n{{\"a\":\"{}\"}}\n{EVENT}\n", "x".repeat(300_000));
    let small = Limits { text_file_bytes: 100_000, ..Limits::default() };
    let mut reader = Reader::new(Slowly(text.as_bytes(), 5000), 1 << 20, &small).unwrap();
    assert_eq!(reader.by_ref().count(), 2);
    assert!(reader.broken() == 1 && reader.diagnostics()[0].code == Code::LimitExceeded, "{:?}", reader.diagnostics());
    assert!(reader.buffer.capacity() < 400_000, "{}", reader.buffer.capacity());
    // Far more than is held at a time.
    let line = format!("{EVENT}\n");
    let mut reader = Reader::new(Again(line.as_bytes(), 0, 200_000), 1 << 30, &small).unwrap();
    assert_eq!(reader.by_ref().count(), 200_000);
    assert!(reader.buffer.capacity() < 400_000, "{}", reader.buffer.capacity());
}

#[test]
fn fields_of_pods_are_of_the_containers_they_name() {
    let event = of(
        r#"{"kind":"Event","auditID":"1","requestURI":"/x?command=sh&command=-c&a%20b=c%2Bd+e","requestObject":{"spec":{
        "hostPID":true,"securityContext":{"runAsUser":7},
        "containers":[{"image":"localhost:5000/a/b:1","securityContext":{"privileged":true,"runAsUser":0,
            "capabilities":{"add":["SYS_ADMIN","NET_RAW"]}},"ports":[{"hostPort":80,"containerPort":8080},{"containerPort":9}]},
            {"image":"c@sha256:00"}],
        "initContainers":[{"image":"d:2","securityContext":{"privileged":false}}],
        "ephemeralContainers":[{"image":"e","name":"debug"}],
        "volumes":[{"name":"v","hostPath":{"path":"/etc/x"}},{"name":"w","emptyDir":{}}]}}}"#,
    );
    let check = |field: &str, expect: &str| assert_eq!(shown(&event, field), expect, "{field}");
    check("ka.req.pod.containers.image", "localhost:5000/a/b:1,c@sha256:00");
    check("ka.req.pod.containers.image[1]", "c@sha256:00");
    check("ka.req.pod.containers.image[2]", "<NA>");
    check("ka.req.pod.containers.image.repository", "localhost:5000/a/b,c");
    check("ka.req.container.image.repository", "localhost:5000/a/b");
    check("ka.req.pod.containers.privileged", "true");
    check("ka.req.pod.initContainers.privileged", "false");
    check("ka.req.pod.ephemeralContainers.privileged", "<NA>");
    check("ka.req.container.privileged", "true");
    check("ka.req.pod.containers.host_port", "80,9");
    check("ka.req.pod.containers.eff_run_as_user", "0,7");
    check("ka.req.pod.initContainers.eff_run_as_group", "0");
    check("ka.req.pod.containers.add_capabilities", "SYS_ADMIN,NET_RAW");
    check("ka.req.pod.host_pid", "true");
    check("ka.req.pod.volumes.hostpath", "/etc/x");
    check("ka.req.pod.volumes.volume_type", "hostPath,emptyDir");
    check("ka.req.volume.hostpath[/etc/*]", "true");
    check("ka.req.volume.hostpath[/etc]", "false");
    check("ka.uri.param[command]", "sh");
    check("ka.uri.param[a b]", "c+d e");
    check("jevt.value[/requestObject/spec/ephemeralContainers/0/name]", "debug");
    check("jevt.value[/requestObject/spec/securityContext]", r#"{"runAsUser":7}"#);
}
