use super::*;
use std::collections::BTreeSet;

#[test]
fn fields_are_sorted_and_said_once() {
    assert!(FIELDS.is_sorted_by(|a, b| a.name < b.name));
    for id in FieldId::all() {
        assert_eq!(FieldId::of(id.info().name), Some(id));
    }
}

/// Every field that Falco's rule files name: stable, incubating, sandbox and audit
/// (<https://github.com/falcosecurity/rules>, `rules/`; <https://github.com/falcosecurity/plugins>, `plugins/k8saudit`).
#[test]
fn every_field_of_the_shipped_rules_is_there() {
    let names = "
        container.id container.image.repository container.mount.dest[/proc*] container.mounts container.privileged
        container.start_ts evt.arg.cmd evt.arg.domain evt.arg.fd evt.arg.filename evt.arg.flags evt.arg.linkpath
        evt.arg.mode evt.arg.name evt.arg.newpath evt.arg.oldpath evt.arg.path evt.arg.request evt.arg.target
        evt.arg.uid evt.args evt.buffer evt.is_open_exec evt.is_open_read evt.is_open_write evt.num evt.rawres evt.res
        evt.type fd.cip fd.cip.name fd.cnet fd.connected fd.directory fd.filename fd.ip fd.l4proto fd.lip.name fd.lport
        fd.name fd.name_changed fd.nameraw fd.net fd.num fd.port fd.rip fd.rip.name fd.rnet fd.rport fd.sip fd.sip.name
        fd.snet fd.sockfamily fd.sport fd.type fd.typechar fd.types[0] group.gid group.name k8s.ns.name k8s.pod.name
        proc.aexe[2] proc.aexepath[2] proc.aname proc.aname[7] proc.args proc.cmdline proc.cwd proc.duration proc.env
        proc.exe proc.exe_ino.ctime proc.exe_ino.ctime_duration_proc_start proc.exe_ino.mtime proc.exepath
        proc.is_exe_from_memfd proc.is_exe_upper_layer proc.is_vpgid_leader proc.name proc.pcmdline proc.pexe
        proc.pexepath proc.pname proc.ppid.duration proc.sname proc.tty proc.vpgid.exe proc.vpgid.name proc.vpid
        syscall.type thread.cap_effective thread.cap_permitted user.loginname user.loginuid user.name user.uid
        jevt.rawtime jevt.value[/stage] jevt.obj ka.auth.decision ka.auth.reason ka.req.binding.role
        ka.req.binding.subjects ka.req.configmap.name ka.req.configmap.obj ka.req.pod.containers.image
        ka.req.pod.containers.image.repository ka.req.pod.containers.privileged ka.req.pod.ephemeralContainers.image
        ka.req.pod.ephemeralContainers.privileged ka.req.pod.host_ipc ka.req.pod.host_network ka.req.pod.host_pid
        ka.req.pod.initContainers.image ka.req.pod.initContainers.privileged ka.req.pod.volumes.hostpath
        ka.req.role.rules ka.req.role.rules.resources ka.req.role.rules.verbs ka.req.service.ports ka.req.service.type
        ka.resp.name ka.response.code ka.response.reason ka.target.name ka.target.namespace ka.target.resource
        ka.target.subresource ka.uri ka.uri.param[command] ka.user.name ka.verb";
    let wrong: Vec<_> = names.split_whitespace().filter_map(|name| Field::parse(name).err()).collect();
    assert_eq!(wrong, []);
    let never: BTreeSet<_> = names
        .split_whitespace()
        .filter_map(|name| Field::parse(name).ok())
        .filter(|field| matches!(field.info().supply, Supply::Never(_)))
        .map(|field| field.info().name)
        .collect();
    // Nobody looks names of addresses up.
    assert_eq!(never, BTreeSet::from(["fd.cip.name", "fd.lip.name", "fd.rip.name", "fd.sip.name"]));
}

#[test]
fn arguments_are_read_and_what_is_wrong_is_said() {
    let given = |text: &str| Field::parse(text).unwrap().given;
    assert_eq!(given("proc.aname"), Given::Nothing);
    assert_eq!(given("proc.aname[2]"), Given::Index(2));
    assert_eq!(given("evt.arg[0]"), Given::Index(0));
    assert_eq!(given("evt.arg.flags"), Given::Key("flags".into()));
    assert_eq!(given("evt.abspath.src"), Given::Key("src".into()));
    assert_eq!(given("container.mount.dest['/etc']"), Given::Key("/etc".into()));
    assert_eq!(given("proc.aenv[2]"), Given::Index(2));
    assert_eq!(given("proc.aenv[PATH]"), Given::Key("PATH".into()));
    let wrong = |text: &str| Field::parse(text).unwrap_err().to_string();
    assert_eq!(wrong("proc.nmae"), "there is no field proc.nmae");
    assert_eq!(wrong("evt.arg"), "evt.arg needs an argument");
    assert_eq!(wrong("proc.name[1]"), "proc.name takes no argument");
    assert_eq!(wrong("proc.aname[x]"), "the argument of proc.aname is to be a number, not \"x\"");
    assert!(Field::parse("evt.abspath.x").is_err() && Field::parse("evt.arg.").is_err());
    let nearest = |text: &str| Field::parse(text).unwrap_err().nearest();
    assert_eq!(nearest("proc.cmdlien"), Some("proc.cmdline"));
    assert_eq!(nearest("x"), None);
    assert!(Field::parse("proc.aname").unwrap().is_list() && !Field::parse("proc.aname[1]").unwrap().is_list());
}
