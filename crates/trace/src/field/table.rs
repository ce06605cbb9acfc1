//! The table of fields, sorted by name.

use super::Kind::{AbsoluteTime, Bool, Bytes, Dynamic, Int, Ip, Net, Port, RelativeTime, Text, Uint};
use super::Scope::{Container, Event, Lineage, Process};
use super::{Argument, FieldInfo, Kind, Many, Scope, Source, Supply};

const TABLES: &str = "it is a column of sysdig's tables only, which Falco's rules cannot ask for either";
const SAMPLES: &str = "the use of processors is not sampled";
const PROBES: &str = "health checks and probes of containers are not told apart from other processes";
const SERVICES: &str = "names of ports are a setting of each host; compare the port";
const LOOKUPS: &str = "names of addresses are not looked up; compare the address";
const OWNERS: &str = "engines know the pod of a container, not what owns it";

const fn field(name: &'static str, kind: Kind, scope: Scope, about: &'static str) -> FieldInfo {
    FieldInfo {
        name,
        kind,
        many: Many::One,
        argument: Argument::None,
        source: Source::Syscall,
        scope,
        supply: Supply::Yes,
        about,
    }
}

impl FieldInfo {
    const fn any(self) -> Self {
        Self { source: Source::Any, ..self }
    }

    const fn audit(self) -> Self {
        Self { source: Source::K8sAudit, ..self }
    }

    const fn list(self) -> Self {
        Self { many: Many::List, ..self }
    }

    const fn without_argument(self) -> Self {
        Self { many: Many::WithoutArgument, ..self }
    }

    const fn takes(self, argument: Argument) -> Self {
        Self { argument, ..self }
    }

    const fn any_or_index(self) -> Self {
        self.takes(Argument::OptionalIndex).without_argument()
    }

    const fn never(self, reason: &'static str) -> Self {
        Self { supply: Supply::Never(reason), ..self }
    }
}

macro_rules! fields {
    ($($name:ident: $info:expr;)*) => {
        /// One field, to be matched on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(clippy::enum_variant_names, reason = "the names are those of the fields")]
        pub(crate) enum Name {
            $($name),*
        }

        /// All fields that rules can name, sorted by name.
        pub static FIELDS: &[FieldInfo] = &[$($info),*];

        /// What each row of [`FIELDS`] is.
        pub(crate) const NAMES: &[Name] = &[$(Name::$name),*];
    };
}

fields! {
    ContainerCniJson: field("container.cni.json", Text, Container, "what set up its network, as JSON");
    ContainerDuration: field("container.duration", RelativeTime, Event, "nanoseconds since container.start_ts");
    ContainerFullId: field("container.full_id", Text, Container, "whole container id");
    ContainerHealthcheck: field("container.healthcheck", Text, Container, "command of the healthcheck").never(PROBES);
    ContainerHostIpc: field("container.host_ipc", Bool, Container, "whether it shares the host's IPC");
    ContainerHostNetwork: field("container.host_network", Bool, Container, "whether it shares the host's network");
    ContainerHostPid: field("container.host_pid", Bool, Container, "whether it shares the host's processes");
    ContainerId: field("container.id", Text, Process,
        "first 12 characters of the container id; host outside of containers");
    ContainerImage: field("container.image", Text, Container, "image as the container names it");
    ContainerImageDigest: field("container.image.digest", Text, Container, "digest of the image in its registry");
    ContainerImageId: field("container.image.id", Text, Container, "image id");
    ContainerImageRepository: field("container.image.repository", Text, Container, "image without tag and digest");
    ContainerImageTag: field("container.image.tag", Text, Container, "tag of the image");
    ContainerIp: field("container.ip", Text, Container, "first address");
    ContainerLabel: field("container.label", Text, Container, "one label").takes(Argument::Key);
    ContainerLabels: field("container.labels", Text, Container, "all labels, as name:value");
    ContainerLivenessProbe: field("container.liveness_probe", Text, Container,
        "command of the liveness probe").never(PROBES);
    ContainerMount: field("container.mount", Text, Container,
        "one mount, by number or by a pattern for its source").takes(Argument::Key);
    ContainerMountDest: field("container.mount.dest", Text, Container,
        "destination of a mount, by number or by a pattern for its source").takes(Argument::Key);
    ContainerMountMode: field("container.mount.mode", Text, Container,
        "mode of a mount, by number or by a pattern for its source").takes(Argument::Key);
    ContainerMountPropagation: field("container.mount.propagation", Text, Container,
        "propagation of a mount, by number or by a pattern for its source").takes(Argument::Key);
    ContainerMountRdwr: field("container.mount.rdwr", Text, Container,
        "whether a mount is writable, by number or by a pattern for its source").takes(Argument::Key);
    ContainerMountSource: field("container.mount.source", Text, Container,
        "source of a mount, by number or by a pattern for its destination").takes(Argument::Key);
    ContainerMounts: field("container.mounts", Text, Container,
        "all mounts, each as source:destination:mode:writable:propagation");
    ContainerName: field("container.name", Text, Container, "name; host outside of containers");
    ContainerPrivileged: field("container.privileged", Bool, Container, "whether it is privileged");
    ContainerReadinessProbe: field("container.readiness_probe", Text, Container,
        "command of the readiness probe").never(PROBES);
    ContainerStartTs: field("container.start_ts", AbsoluteTime, Lineage, "when the container started");
    ContainerType: field("container.type", Text, Container,
        "kind of engine: docker, containerd, cri-o, podman; host outside of containers");
    EvtAbspath: field("evt.abspath", Text, Event,
        "absolute path made of directory and name; .src and .dst where there are two").takes(Argument::OptionalSuffix);
    EvtArg: field("evt.arg", Text, Event, "one parameter, as text").takes(Argument::Parameter);
    EvtArgs: field("evt.args", Text, Event, "all parameters as name=value");
    EvtAround: field("evt.around", Uint, Event,
        "whether the event is near a moment").takes(Argument::Key).never("moments to look around are a capture viewer's question; use evt.rawtime");
    EvtAsynctype: field("evt.asynctype", Text, Event, "name of an event that was made beside the stream").any();
    EvtBuffer: field("evt.buffer", Bytes, Event, "data that was read or written, as far as recorded");
    EvtBuflen: field("evt.buflen", Uint, Event, "bytes of data that were recorded");
    EvtBuflenFile: field("evt.buflen.file", Uint, Event, "evt.buflen of one kind of traffic").never(TABLES);
    EvtBuflenFileIn: field("evt.buflen.file.in", Uint, Event, "evt.buflen of one kind of traffic").never(TABLES);
    EvtBuflenFileOut: field("evt.buflen.file.out", Uint, Event, "evt.buflen of one kind of traffic").never(TABLES);
    EvtBuflenIn: field("evt.buflen.in", Uint, Event, "evt.buflen of one kind of traffic").never(TABLES);
    EvtBuflenNet: field("evt.buflen.net", Uint, Event, "evt.buflen of one kind of traffic").never(TABLES);
    EvtBuflenNetIn: field("evt.buflen.net.in", Uint, Event, "evt.buflen of one kind of traffic").never(TABLES);
    EvtBuflenNetOut: field("evt.buflen.net.out", Uint, Event, "evt.buflen of one kind of traffic").never(TABLES);
    EvtBuflenOut: field("evt.buflen.out", Uint, Event, "evt.buflen of one kind of traffic").never(TABLES);
    EvtCategory: field("evt.category", Text, Event, "kind of event: file, net, process");
    EvtCount: field("evt.count", Uint, Event, "1");
    EvtCountError: field("evt.count.error", Uint, Event, "1 if the call failed");
    EvtCountErrorFile: field("evt.count.error.file", Uint, Event, "1 if the call failed and was on files");
    EvtCountErrorMemory: field("evt.count.error.memory", Uint, Event, "1 if the call failed and was about memory");
    EvtCountErrorNet: field("evt.count.error.net", Uint, Event, "1 if the call failed and was on the network");
    EvtCountErrorOther: field("evt.count.error.other", Uint, Event, "1 if the call failed and was of another kind");
    EvtCountExit: field("evt.count.exit", Uint, Event, "1 where a call is left");
    EvtCountProcinfo: field("evt.count.procinfo", Uint, Event, "1 for process samples").never(TABLES);
    EvtCountThreadinfo: field("evt.count.threadinfo", Uint, Event, "1 for thread samples").never(TABLES);
    EvtCpu: field("evt.cpu", Uint, Event, "processor the event happened on");
    EvtDatetime: field("evt.datetime", Text, Event, "date and time of the event, with nanoseconds, UTC").any();
    EvtDatetimeS: field("evt.datetime.s", Text, Event, "date and time of the event, to the second, UTC").any();
    EvtDeltatime: field("evt.deltatime", RelativeTime, Event, "nanoseconds since the event before");
    EvtDeltatimeNs: field("evt.deltatime.ns", RelativeTime, Event, "nanoseconds of evt.deltatime beyond its seconds");
    EvtDeltatimeS: field("evt.deltatime.s", RelativeTime, Event, "whole seconds of evt.deltatime");
    EvtDir: field("evt.dir", Text, Event, "> where a call is entered, < where it is left");
    EvtFailed: field("evt.failed", Bool, Event, "whether the call failed");
    EvtHostname: field("evt.hostname", Text, Event, "name of the host, as the recording says").any();
    EvtInfo: field("evt.info", Text, Event, "the same as evt.args; for plugins the same as evt.plugininfo").any();
    EvtInfraDockerContainerId: field("evt.infra.docker.container.id", Text, Event,
        "of an event of Docker").never(TABLES);
    EvtInfraDockerContainerImage: field("evt.infra.docker.container.image", Text, Event,
        "of an event of Docker").never(TABLES);
    EvtInfraDockerContainerName: field("evt.infra.docker.container.name", Text, Event,
        "of an event of Docker").never(TABLES);
    EvtInfraDockerName: field("evt.infra.docker.name", Text, Event, "of an event of Docker").never(TABLES);
    EvtIoDir: field("evt.io_dir", Text, Event, "r where it reads, w where it writes");
    EvtIsAsync: field("evt.is_async", Bool, Event, "whether the event was made beside the stream").any();
    EvtIsIo: field("evt.is_io", Bool, Event, "whether it reads or writes");
    EvtIsIoRead: field("evt.is_io_read", Bool, Event, "whether it reads");
    EvtIsIoWrite: field("evt.is_io_write", Bool, Event, "whether it writes");
    EvtIsOpenCreate: field("evt.is_open_create", Bool, Event, "whether a file is created");
    EvtIsOpenExec: field("evt.is_open_exec", Bool, Event, "whether a file is created executable");
    EvtIsOpenRead: field("evt.is_open_read", Bool, Event, "whether a file is opened for reading");
    EvtIsOpenWrite: field("evt.is_open_write", Bool, Event, "whether a file is opened for writing");
    EvtIsSyslog: field("evt.is_syslog", Bool, Event, "whether it writes to /dev/log");
    EvtIsWait: field("evt.is_wait", Bool, Event, "whether it makes the thread wait");
    EvtLatency: field("evt.latency", RelativeTime, Event, "nanoseconds between entering and leaving the call");
    EvtLatencyHuman: field("evt.latency.human", Text, Event, "evt.latency with a unit");
    EvtLatencyNs: field("evt.latency.ns", RelativeTime, Event, "nanoseconds of evt.latency beyond its seconds");
    EvtLatencyQuantized: field("evt.latency.quantized", Uint, Event, "logarithm of evt.latency").never(TABLES);
    EvtLatencyS: field("evt.latency.s", RelativeTime, Event, "whole seconds of evt.latency");
    EvtNum: field("evt.num", Uint, Event, "number of the event, counted from 1").any();
    EvtOutputtime: field("evt.outputtime", Text, Event, "time of the event as output has it").any();
    EvtPlugininfo: field("evt.plugininfo", Text, Event, "summary of the event by its plugin").any();
    EvtPluginname: field("evt.pluginname", Text, Event, "plugin the event is from").any();
    EvtRawarg: field("evt.rawarg", Dynamic, Event, "one parameter, as it was recorded").takes(Argument::Parameter);
    EvtRawres: field("evt.rawres", Int, Event, "what the call returned");
    EvtRawtime: field("evt.rawtime", AbsoluteTime, Event, "moment of the event, nanoseconds since 1970").any();
    EvtRawtimeNs: field("evt.rawtime.ns", Uint, Event, "nanoseconds of evt.rawtime beyond its seconds").any();
    EvtRawtimeS: field("evt.rawtime.s", Uint, Event, "whole seconds of evt.rawtime").any();
    EvtReltime: field("evt.reltime", RelativeTime, Event, "nanoseconds since the first event").any();
    EvtReltimeNs: field("evt.reltime.ns", RelativeTime, Event, "nanoseconds of evt.reltime beyond its seconds").any();
    EvtReltimeS: field("evt.reltime.s", RelativeTime, Event, "whole seconds of evt.reltime").any();
    EvtRes: field("evt.res", Text, Event, "SUCCESS, or the name of the error");
    EvtSource: field("evt.source", Text, Event, "where the event is from: syscall, k8s_audit").any();
    EvtTime: field("evt.time", Text, Event, "time of day of the event, with nanoseconds, UTC").any();
    EvtTimeIso8601: field("evt.time.iso8601", Text, Event,
        "moment of the event as ISO 8601, with nanoseconds, UTC").any();
    EvtTimeS: field("evt.time.s", Text, Event, "time of day of the event, to the second, UTC").any();
    EvtType: field("evt.type", Text, Event, "name of the event: open, execve").any();
    EvtTypeIs: field("evt.type.is", Uint, Event, "1 if the event has this name").takes(Argument::Key);
    EvtWaitLatency: field("evt.wait_latency", RelativeTime, Event,
        "nanoseconds waited, where it makes the thread wait");
    FdCip: field("fd.cip", Ip, Event, "client's address");
    FdCipName: field("fd.cip.name", Text, Event, "name of the client's address").never(LOOKUPS);
    FdCnet: field("fd.cnet", Net, Event, "client's address, compared with networks");
    FdConnected: field("fd.connected", Bool, Event, "whether a socket is connected");
    FdContainerdirectory: field("fd.containerdirectory", Text, Event, "container id and fd.directory");
    FdContainername: field("fd.containername", Text, Event, "container id and fd.name");
    FdCport: field("fd.cport", Port, Event, "client's port");
    FdCproto: field("fd.cproto", Text, Event, "name of the client's port").never(SERVICES);
    FdDev: field("fd.dev", Uint, Event, "device the file is on");
    FdDevMajor: field("fd.dev.major", Uint, Event, "major number of fd.dev");
    FdDevMinor: field("fd.dev.minor", Uint, Event, "minor number of fd.dev");
    FdDirectory: field("fd.directory", Text, Event, "directory of a file's path");
    FdFilename: field("fd.filename", Text, Event, "last component of a file's path");
    FdFlags: field("fd.flags", Text, Event, "how it was opened, as names of flags");
    FdIno: field("fd.ino", Uint, Event, "inode of the file");
    FdIp: field("fd.ip", Ip, Event, "either address of a connection").list();
    FdIsServer: field("fd.is_server", Bool, Event, "whether the process is the server of the connection");
    FdL4proto: field("fd.l4proto", Text, Event, "tcp, udp, icmp or raw");
    FdLip: field("fd.lip", Ip, Event, "local address");
    FdLipName: field("fd.lip.name", Text, Event, "name of the local address").never(LOOKUPS);
    FdLnet: field("fd.lnet", Net, Event, "local address, compared with networks");
    FdLport: field("fd.lport", Port, Event, "local port");
    FdLproto: field("fd.lproto", Text, Event, "name of the local port").never(SERVICES);
    FdName: field("fd.name", Text, Event, "path, or connection as address:port->address:port");
    FdNameChanged: field("fd.name_changed", Bool, Event, "whether the event gave it another name");
    FdNameraw: field("fd.nameraw", Text, Event, "path as the process gave it");
    FdNet: field("fd.net", Net, Event, "either address, compared with networks").list();
    FdNum: field("fd.num", Int, Event, "file descriptor");
    FdPort: field("fd.port", Port, Event, "either port of a connection").list();
    FdProto: field("fd.proto", Text, Event, "name of either port").list().never(SERVICES);
    FdRip: field("fd.rip", Ip, Event, "remote address");
    FdRipName: field("fd.rip.name", Text, Event, "name of the remote address").never(LOOKUPS);
    FdRnet: field("fd.rnet", Net, Event, "remote address, compared with networks");
    FdRport: field("fd.rport", Port, Event, "remote port");
    FdRproto: field("fd.rproto", Text, Event, "name of the remote port").never(SERVICES);
    FdSip: field("fd.sip", Ip, Event, "server's address");
    FdSipName: field("fd.sip.name", Text, Event, "name of the server's address").never(LOOKUPS);
    FdSnet: field("fd.snet", Net, Event, "server's address, compared with networks");
    FdSockfamily: field("fd.sockfamily", Text, Event, "ip or unix");
    FdSport: field("fd.sport", Port, Event, "server's port");
    FdSproto: field("fd.sproto", Text, Event, "name of the server's port").never(SERVICES);
    FdType: field("fd.type", Text, Event,
        "what it is: file, directory, ipv4, ipv6, unix, pipe, event, signalfd, eventpoll, inotify, memfd");
    FdTypechar: field("fd.typechar", Text, Event, "the same as a letter");
    FdTypes: field("fd.types", Text, Event,
        "fd.type of all open files, or of one").takes(Argument::OptionalIndex).list();
    FdUid: field("fd.uid", Text, Event, "thread id and file descriptor");
    FdlistCips: field("fdlist.cips", Text, Event,
        "of all files that poll and select wait for").never("lists of poll and select are not recorded by current sensors");
    FdlistCports: field("fdlist.cports", Text, Event,
        "of all files that poll and select wait for").never("lists of poll and select are not recorded by current sensors");
    FdlistNames: field("fdlist.names", Text, Event,
        "of all files that poll and select wait for").never("lists of poll and select are not recorded by current sensors");
    FdlistNums: field("fdlist.nums", Text, Event,
        "of all files that poll and select wait for").never("lists of poll and select are not recorded by current sensors");
    FdlistSips: field("fdlist.sips", Text, Event,
        "of all files that poll and select wait for").never("lists of poll and select are not recorded by current sensors");
    FdlistSports: field("fdlist.sports", Text, Event,
        "of all files that poll and select wait for").never("lists of poll and select are not recorded by current sensors");
    FsPathName: field("fs.path.name", Text, Event, "path the call is about, absolute");
    FsPathNameraw: field("fs.path.nameraw", Text, Event, "path the call is about, as the process gave it");
    FsPathSource: field("fs.path.source", Text, Event, "path that is linked, moved or copied from, absolute");
    FsPathSourceraw: field("fs.path.sourceraw", Text, Event,
        "path that is linked, moved or copied from, as the process gave it");
    FsPathTarget: field("fs.path.target", Text, Event, "path that it becomes, absolute");
    FsPathTargetraw: field("fs.path.targetraw", Text, Event, "path that it becomes, as the process gave it");
    GroupGid: field("group.gid", Uint, Process, "group id");
    GroupName: field("group.name", Text, Process, "group name");
    JevtObj: field("jevt.obj", Text, Event, "whole event, as JSON").audit();
    JevtRawtime: field("jevt.rawtime", AbsoluteTime, Event, "moment of the event, nanoseconds since 1970").audit();
    JevtTime: field("jevt.time", Text, Event, "time of day of the event, UTC").audit();
    JevtTimeIso8601: field("jevt.time.iso8601", Text, Event, "moment of the event as ISO 8601, UTC").audit();
    JevtValue: field("jevt.value", Text, Event, "value at a JSON pointer").audit().takes(Argument::Key);
    JsonObj: field("json.obj", Text, Event, "whole event, as JSON").audit();
    JsonRawtime: field("json.rawtime", AbsoluteTime, Event, "moment of the event, nanoseconds since 1970").audit();
    JsonValue: field("json.value", Text, Event, "value at a JSON pointer").audit().takes(Argument::Key);
    K8sDeploymentId: field("k8s.deployment.id", Text, Container, "id of the deployment").never(OWNERS);
    K8sDeploymentLabel: field("k8s.deployment.label", Text, Container,
        "label of the deployment").takes(Argument::Key).never(OWNERS);
    K8sDeploymentLabels: field("k8s.deployment.labels", Text, Container, "labels of the deployment").never(OWNERS);
    K8sDeploymentName: field("k8s.deployment.name", Text, Container, "name of the deployment").never(OWNERS);
    K8sNsId: field("k8s.ns.id", Text, Container, "id of the namespace").never(OWNERS);
    K8sNsLabel: field("k8s.ns.label", Text, Container, "label of the namespace").takes(Argument::Key).never(OWNERS);
    K8sNsLabels: field("k8s.ns.labels", Text, Container, "labels of the namespace").never(OWNERS);
    K8sNsName: field("k8s.ns.name", Text, Container, "namespace of the pod");
    K8sPodCniJson: field("k8s.pod.cni.json", Text, Container, "what set up its network, as JSON");
    K8sPodFullSandboxId: field("k8s.pod.full_sandbox_id", Text, Container, "whole container id of the sandbox");
    K8sPodId: field("k8s.pod.id", Text, Container, "UID of the pod");
    K8sPodIp: field("k8s.pod.ip", Text, Container, "address of the pod");
    K8sPodLabel: field("k8s.pod.label", Text, Container, "one label of the pod").takes(Argument::Key);
    K8sPodLabels: field("k8s.pod.labels", Text, Container, "all labels of the pod, as name:value");
    K8sPodName: field("k8s.pod.name", Text, Container, "name of the pod");
    K8sPodSandboxId: field("k8s.pod.sandbox_id", Text, Container, "first 12 characters of the sandbox's container id");
    K8sPodUid: field("k8s.pod.uid", Text, Container, "UID of the pod");
    K8sRcId: field("k8s.rc.id", Text, Container, "id of the rc").never(OWNERS);
    K8sRcLabel: field("k8s.rc.label", Text, Container, "label of the rc").takes(Argument::Key).never(OWNERS);
    K8sRcLabels: field("k8s.rc.labels", Text, Container, "labels of the rc").never(OWNERS);
    K8sRcName: field("k8s.rc.name", Text, Container, "name of the rc").never(OWNERS);
    K8sRsId: field("k8s.rs.id", Text, Container, "id of the rs").never(OWNERS);
    K8sRsLabel: field("k8s.rs.label", Text, Container, "label of the rs").takes(Argument::Key).never(OWNERS);
    K8sRsLabels: field("k8s.rs.labels", Text, Container, "labels of the rs").never(OWNERS);
    K8sRsName: field("k8s.rs.name", Text, Container, "name of the rs").never(OWNERS);
    K8sSvcId: field("k8s.svc.id", Text, Container, "id of the svc").never(OWNERS);
    K8sSvcLabel: field("k8s.svc.label", Text, Container, "label of the svc").takes(Argument::Key).never(OWNERS);
    K8sSvcLabels: field("k8s.svc.labels", Text, Container, "labels of the svc").never(OWNERS);
    K8sSvcName: field("k8s.svc.name", Text, Container, "name of the svc").never(OWNERS);
    KaAuditid: field("ka.auditid", Text, Event, "id of the audit event").audit();
    KaAuthDecision: field("ka.auth.decision", Text, Event, "what authorization decided").audit();
    KaAuthOpenshiftDecision: field("ka.auth.openshift.decision", Text, Event,
        "what OpenShift's authentication decided").audit();
    KaAuthOpenshiftUsername: field("ka.auth.openshift.username", Text, Event,
        "whom OpenShift's authentication is about").audit();
    KaAuthReason: field("ka.auth.reason", Text, Event, "why").audit();
    KaClusterName: field("ka.cluster.name", Text, Event,
        "name of the cluster").audit().never("audit events do not name their cluster");
    KaImpuserName: field("ka.impuser.name", Text, Event, "as whom").audit();
    KaReqBindingRole: field("ka.req.binding.role", Text, Event, "role of a binding").audit();
    KaReqBindingSubjectHasName: field("ka.req.binding.subject.has_name", Text, Event,
        "always true, as in Falco; use ka.req.binding.subjects").audit().takes(Argument::Key);
    KaReqBindingSubjects: field("ka.req.binding.subjects", Text, Event, "subjects of a binding").audit().list();
    KaReqConfigmapName: field("ka.req.configmap.name", Text, Event, "name of the config map").audit();
    KaReqConfigmapObj: field("ka.req.configmap.obj", Text, Event, "data of the config map, as JSON").audit();
    KaReqContainerHostNetwork: field("ka.req.container.host_network", Text, Event,
        "the same as ka.req.pod.host_network").audit();
    KaReqContainerImage: field("ka.req.container.image", Text, Event, "image of the first container").audit();
    KaReqContainerImageRepository: field("ka.req.container.image.repository", Text, Event,
        "image of the first container without tag and digest").audit();
    KaReqContainerPrivileged: field("ka.req.container.privileged", Text, Event,
        "whether any container is privileged").audit();
    KaReqPodContainersAddCapabilities: field("ka.req.pod.containers.add_capabilities", Text, Event,
        "capabilities that are added of containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodContainersAllowPrivilegeEscalation: field("ka.req.pod.containers.allow_privilege_escalation", Text, Event,
        "whether privileges may grow of containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodContainersEffRunAsGroup: field("ka.req.pod.containers.eff_run_as_group", Text, Event,
        "group ids, from the pod where the container has none, or 0 of containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodContainersEffRunAsUser: field("ka.req.pod.containers.eff_run_as_user", Text, Event,
        "user ids, from the pod where the container has none, or 0 of containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodContainersHostPort: field("ka.req.pod.containers.host_port", Text, Event,
        "ports on the host of containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodContainersImage: field("ka.req.pod.containers.image", Text, Event,
        "images of containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodContainersImageRepository: field("ka.req.pod.containers.image.repository", Text, Event,
        "images without tag and digest of containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodContainersPrivileged: field("ka.req.pod.containers.privileged", Text, Event,
        "whether privileged of containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodContainersProcMount: field("ka.req.pod.containers.proc_mount", Text, Event,
        "kinds of /proc of containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodContainersReadOnlyFs: field("ka.req.pod.containers.read_only_fs", Text, Event,
        "whether the root file system is read-only of containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodContainersRunAsGroup: field("ka.req.pod.containers.run_as_group", Text, Event,
        "group ids of containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodContainersRunAsUser: field("ka.req.pod.containers.run_as_user", Text, Event,
        "user ids of containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodEphemeralContainersAddCapabilities: field("ka.req.pod.ephemeralContainers.add_capabilities", Text, Event,
        "capabilities that are added of ephemeral containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodEphemeralContainersAllowPrivilegeEscalation: field("ka.req.pod.ephemeralContainers.allow_privilege_escalation", Text, Event,
        "whether privileges may grow of ephemeral containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodEphemeralContainersEffRunAsGroup: field("ka.req.pod.ephemeralContainers.eff_run_as_group", Text, Event,
        "group ids, from the pod where the container has none, or 0 of ephemeral containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodEphemeralContainersEffRunAsUser: field("ka.req.pod.ephemeralContainers.eff_run_as_user", Text, Event,
        "user ids, from the pod where the container has none, or 0 of ephemeral containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodEphemeralContainersHostPort: field("ka.req.pod.ephemeralContainers.host_port", Text, Event,
        "ports on the host of ephemeral containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodEphemeralContainersImage: field("ka.req.pod.ephemeralContainers.image", Text, Event,
        "images of ephemeral containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodEphemeralContainersImageRepository: field("ka.req.pod.ephemeralContainers.image.repository", Text, Event,
        "images without tag and digest of ephemeral containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodEphemeralContainersPrivileged: field("ka.req.pod.ephemeralContainers.privileged", Text, Event,
        "whether privileged of ephemeral containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodEphemeralContainersProcMount: field("ka.req.pod.ephemeralContainers.proc_mount", Text, Event,
        "kinds of /proc of ephemeral containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodEphemeralContainersReadOnlyFs: field("ka.req.pod.ephemeralContainers.read_only_fs", Text, Event,
        "whether the root file system is read-only of ephemeral containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodEphemeralContainersRunAsGroup: field("ka.req.pod.ephemeralContainers.run_as_group", Text, Event,
        "group ids of ephemeral containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodEphemeralContainersRunAsUser: field("ka.req.pod.ephemeralContainers.run_as_user", Text, Event,
        "user ids of ephemeral containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodFsGroup: field("ka.req.pod.fs_group", Text, Event, "group of the pod's volumes").audit();
    KaReqPodHostIpc: field("ka.req.pod.host_ipc", Text, Event, "whether the pod shares the host's ipc").audit();
    KaReqPodHostNetwork: field("ka.req.pod.host_network", Text, Event,
        "whether the pod shares the host's network").audit();
    KaReqPodHostPid: field("ka.req.pod.host_pid", Text, Event, "whether the pod shares the host's pid").audit();
    KaReqPodInitContainersAddCapabilities: field("ka.req.pod.initContainers.add_capabilities", Text, Event,
        "capabilities that are added of init containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodInitContainersAllowPrivilegeEscalation: field("ka.req.pod.initContainers.allow_privilege_escalation", Text, Event,
        "whether privileges may grow of init containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodInitContainersEffRunAsGroup: field("ka.req.pod.initContainers.eff_run_as_group", Text, Event,
        "group ids, from the pod where the container has none, or 0 of init containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodInitContainersEffRunAsUser: field("ka.req.pod.initContainers.eff_run_as_user", Text, Event,
        "user ids, from the pod where the container has none, or 0 of init containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodInitContainersHostPort: field("ka.req.pod.initContainers.host_port", Text, Event,
        "ports on the host of init containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodInitContainersImage: field("ka.req.pod.initContainers.image", Text, Event,
        "images of init containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodInitContainersImageRepository: field("ka.req.pod.initContainers.image.repository", Text, Event,
        "images without tag and digest of init containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodInitContainersPrivileged: field("ka.req.pod.initContainers.privileged", Text, Event,
        "whether privileged of init containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodInitContainersProcMount: field("ka.req.pod.initContainers.proc_mount", Text, Event,
        "kinds of /proc of init containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodInitContainersReadOnlyFs: field("ka.req.pod.initContainers.read_only_fs", Text, Event,
        "whether the root file system is read-only of init containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodInitContainersRunAsGroup: field("ka.req.pod.initContainers.run_as_group", Text, Event,
        "group ids of init containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodInitContainersRunAsUser: field("ka.req.pod.initContainers.run_as_user", Text, Event,
        "user ids of init containers").audit().list().takes(Argument::OptionalIndex);
    KaReqPodRunAsGroup: field("ka.req.pod.run_as_group", Text, Event, "group id of the pod").audit();
    KaReqPodRunAsUser: field("ka.req.pod.run_as_user", Text, Event, "user id of the pod").audit();
    KaReqPodSupplementalGroups: field("ka.req.pod.supplemental_groups", Text, Event,
        "further groups of the pod").audit().list();
    KaReqPodVolumesFlexvolumeDriver: field("ka.req.pod.volumes.flexvolume_driver", Text, Event,
        "drivers of flex volumes").audit().list().takes(Argument::OptionalIndex);
    KaReqPodVolumesHostpath: field("ka.req.pod.volumes.hostpath", Text, Event,
        "paths of the host that are volumes").audit().list().takes(Argument::OptionalIndex);
    KaReqPodVolumesVolumeType: field("ka.req.pod.volumes.volume_type", Text, Event,
        "kinds of volumes").audit().list().takes(Argument::OptionalIndex);
    KaReqRoleRules: field("ka.req.role.rules", Text, Event, "rules of a role, as JSON").audit().list();
    KaReqRoleRulesApiGroups: field("ka.req.role.rules.apiGroups", Text, Event,
        "apiGroups of the rules of a role").audit().list().takes(Argument::OptionalIndex);
    KaReqRoleRulesNonResourceURLs: field("ka.req.role.rules.nonResourceURLs", Text, Event,
        "nonResourceURLs of the rules of a role").audit().list().takes(Argument::OptionalIndex);
    KaReqRoleRulesResources: field("ka.req.role.rules.resources", Text, Event,
        "resources of the rules of a role").audit().list().takes(Argument::OptionalIndex);
    KaReqRoleRulesVerbs: field("ka.req.role.rules.verbs", Text, Event,
        "verbs of the rules of a role").audit().list().takes(Argument::OptionalIndex);
    KaReqServicePorts: field("ka.req.service.ports", Text, Event,
        "ports of a service, as JSON").audit().list().takes(Argument::OptionalIndex);
    KaReqServiceType: field("ka.req.service.type", Text, Event, "type of a service").audit();
    KaReqVolumeHostpath: field("ka.req.volume.hostpath", Text, Event,
        "whether a volume is this path of the host; a star at the end is any rest").audit().takes(Argument::Key);
    KaRespName: field("ka.resp.name", Text, Event, "name of the object in the response").audit();
    KaResponseCode: field("ka.response.code", Text, Event, "status code of the response").audit();
    KaResponseReason: field("ka.response.reason", Text, Event, "reason in the response").audit();
    KaSourceips: field("ka.sourceips", Text, Event,
        "addresses the request came from").audit().list().takes(Argument::OptionalIndex);
    KaStage: field("ka.stage", Text, Event, "stage of the request: RequestReceived, ResponseComplete").audit();
    KaTargetName: field("ka.target.name", Text, Event, "name of the object that is asked for").audit();
    KaTargetNamespace: field("ka.target.namespace", Text, Event, "namespace of the object that is asked for").audit();
    KaTargetPodName: field("ka.target.pod.name", Text, Event, "pod.name of the object that is asked for").audit();
    KaTargetResource: field("ka.target.resource", Text, Event, "resource of the object that is asked for").audit();
    KaTargetSubresource: field("ka.target.subresource", Text, Event,
        "subresource of the object that is asked for").audit();
    KaUri: field("ka.uri", Text, Event, "address of the request").audit();
    KaUriParam: field("ka.uri.param", Text, Event, "one parameter of the address").audit().takes(Argument::Key);
    KaUserGroups: field("ka.user.groups", Text, Event, "groups of who asks").audit().list();
    KaUserName: field("ka.user.name", Text, Event, "who asks").audit();
    KaUseragent: field("ka.useragent", Text, Event, "program that asks").audit();
    KaValidationsAdmissionPolicyFailure: field("ka.validations.admission.policy.failure", Text, Event,
        "what admission policies found wrong").audit();
    KaVerb: field("ka.verb", Text, Event, "what is asked for: get, create").audit();
    ProcAcmdline: field("proc.acmdline", Text, Lineage, "proc.cmdline of an ancestor").any_or_index();
    ProcAenv: field("proc.aenv", Text, Lineage,
        "environment of an ancestor, or the value of a variable in the nearest that has it").takes(Argument::OptionalEither).without_argument();
    ProcAexe: field("proc.aexe", Text, Lineage, "proc.exe of an ancestor").any_or_index();
    ProcAexepath: field("proc.aexepath", Text, Lineage, "proc.exepath of an ancestor").any_or_index();
    ProcAname: field("proc.aname", Text, Lineage, "proc.name of an ancestor").any_or_index();
    ProcApid: field("proc.apid", Int, Lineage, "process id of an ancestor").any_or_index();
    ProcArgs: field("proc.args", Text, Process,
        "arguments without the first; one of them with an index").takes(Argument::OptionalIndex);
    ProcCmdlenargs: field("proc.cmdlenargs", Uint, Process, "bytes of all arguments, without the first");
    ProcCmdline: field("proc.cmdline", Text, Process, "name and arguments");
    ProcCmdnargs: field("proc.cmdnargs", Uint, Process, "how many arguments there are, without the first");
    ProcCwd: field("proc.cwd", Text, Process, "working directory, with a slash at its end");
    ProcDuration: field("proc.duration", RelativeTime, Event, "nanoseconds since the process started");
    ProcEnv: field("proc.env", Text, Process,
        "environment, or the value of one variable").takes(Argument::OptionalKey);
    ProcExe: field("proc.exe", Text, Process, "first argument, argv[0]");
    ProcExeIno: field("proc.exe_ino", Uint, Process, "inode of the executable");
    ProcExeInoCtime: field("proc.exe_ino.ctime", AbsoluteTime, Process,
        "when the inode of the executable was last changed");
    ProcExeInoCtimeDurationPidnsStart: field("proc.exe_ino.ctime_duration_pidns_start", RelativeTime, Process,
        "nanoseconds from the start of the namespace to that change");
    ProcExeInoCtimeDurationProcStart: field("proc.exe_ino.ctime_duration_proc_start", RelativeTime, Process,
        "nanoseconds from that change to the start of the process");
    ProcExeInoMtime: field("proc.exe_ino.mtime", AbsoluteTime, Process, "when the executable was last written");
    ProcExeline: field("proc.exeline", Text, Process, "argv[0] and arguments");
    ProcExepath: field("proc.exepath", Text, Process, "path of the executable");
    ProcFdlimit: field("proc.fdlimit", Int, Process, "files that it may have open; -1 if not known");
    ProcFdopencount: field("proc.fdopencount", Uint, Event, "files that the process has open");
    ProcFdusage: field("proc.fdusage", Uint, Event, "percentage of proc.fdlimit that is used").never(SAMPLES);
    ProcIsContainerHealthcheck: field("proc.is_container_healthcheck", Bool, Lineage,
        "whether the process runs a healthcheck of its container").never(PROBES);
    ProcIsContainerLivenessProbe: field("proc.is_container_liveness_probe", Bool, Lineage,
        "whether the process runs a liveness probe of its container").never(PROBES);
    ProcIsContainerReadinessProbe: field("proc.is_container_readiness_probe", Bool, Lineage,
        "whether the process runs a readiness probe of its container").never(PROBES);
    ProcIsExeFromMemfd: field("proc.is_exe_from_memfd", Bool, Process,
        "whether the executable is a file that is only in memory");
    ProcIsExeLowerLayer: field("proc.is_exe_lower_layer", Bool, Process,
        "whether the executable is from a lower layer of an overlay: from the image");
    ProcIsExeUpperLayer: field("proc.is_exe_upper_layer", Bool, Process,
        "whether the executable is from the upper layer of an overlay: not from the image");
    ProcIsExeWritable: field("proc.is_exe_writable", Bool, Process, "whether the process may write to its executable");
    ProcIsPgidLeader: field("proc.is_pgid_leader", Bool, Process,
        "whether it leads its process group, as the host sees it");
    ProcIsSidLeader: field("proc.is_sid_leader", Bool, Process, "whether it leads its session");
    ProcIsVpgidLeader: field("proc.is_vpgid_leader", Bool, Process, "whether it leads its process group");
    ProcLoginshellid: field("proc.loginshellid", Int, Lineage, "process id of the oldest shell among the ancestors");
    ProcName: field("proc.name", Text, Process, "name, at most 15 bytes (comm)");
    ProcNchilds: field("proc.nchilds", Uint, Event, "the same without the first thread");
    ProcNthreads: field("proc.nthreads", Uint, Event, "threads of the process that are alive");
    ProcPcmdline: field("proc.pcmdline", Text, Lineage, "proc.cmdline of the parent");
    ProcPexe: field("proc.pexe", Text, Lineage, "proc.exe of the parent");
    ProcPexepath: field("proc.pexepath", Text, Lineage, "proc.exepath of the parent");
    ProcPgid: field("proc.pgid", Int, Process, "process group id as the host sees it");
    ProcPgidExe: field("proc.pgid.exe", Text, Event, "argv[0] of the process group's leader, by proc.pgid");
    ProcPgidExepath: field("proc.pgid.exepath", Text, Event,
        "executable of the process group's leader, by proc.pgid");
    ProcPgidName: field("proc.pgid.name", Text, Event, "name of the process group's leader, by proc.pgid");
    ProcPid: field("proc.pid", Int, Process, "process id");
    ProcPidTs: field("proc.pid.ts", AbsoluteTime, Process, "when the process started");
    ProcPidnsInitStartTs: field("proc.pidns_init_start_ts", AbsoluteTime, Process,
        "when the namespace of process ids started");
    ProcPname: field("proc.pname", Text, Lineage, "proc.name of the parent");
    ProcPpid: field("proc.ppid", Int, Lineage, "process id of the parent");
    ProcPpidDuration: field("proc.ppid.duration", RelativeTime, Event, "nanoseconds since the parent started");
    ProcPpidTs: field("proc.ppid.ts", AbsoluteTime, Lineage, "when the parent started");
    ProcPvpid: field("proc.pvpid", Int, Lineage, "proc.vpid of the parent");
    ProcSid: field("proc.sid", Int, Process, "session id");
    ProcSidExe: field("proc.sid.exe", Text, Event, "argv[0] of the session's leader");
    ProcSidExepath: field("proc.sid.exepath", Text, Event, "executable of the session's leader");
    ProcSname: field("proc.sname", Text, Event, "name of the session's leader");
    ProcStderrName: field("proc.stderr.name", Text, Event, "fd.name of file descriptor 2");
    ProcStderrType: field("proc.stderr.type", Text, Event, "fd.type of file descriptor 2");
    ProcStdinName: field("proc.stdin.name", Text, Event, "fd.name of file descriptor 0");
    ProcStdinType: field("proc.stdin.type", Text, Event, "fd.type of file descriptor 0");
    ProcStdoutName: field("proc.stdout.name", Text, Event, "fd.name of file descriptor 1");
    ProcStdoutType: field("proc.stdout.type", Text, Event, "fd.type of file descriptor 1");
    ProcTty: field("proc.tty", Uint, Process, "controlling terminal; 0 if there is none");
    ProcVmrss: field("proc.vmrss", Uint, Event, "resident memory in KiB");
    ProcVmsize: field("proc.vmsize", Uint, Event, "virtual memory in KiB");
    ProcVmswap: field("proc.vmswap", Uint, Event, "swapped memory in KiB");
    ProcVpgid: field("proc.vpgid", Int, Process, "process group id in the namespace of the process");
    ProcVpgidExe: field("proc.vpgid.exe", Text, Event, "argv[0] of the process group's leader");
    ProcVpgidExepath: field("proc.vpgid.exepath", Text, Event, "executable of the process group's leader");
    ProcVpgidName: field("proc.vpgid.name", Text, Event, "name of the process group's leader");
    ProcVpid: field("proc.vpid", Int, Process, "process id in the namespace of the process");
    SyscallType: field("syscall.type", Text, Event, "name of the system call; none for other events");
    SyslogFacility: field("syslog.facility", Uint, Event,
        "of a message to the system log").never("messages to the system log are not taken apart; use evt.buffer");
    SyslogFacilityStr: field("syslog.facility.str", Text, Event,
        "of a message to the system log").never("messages to the system log are not taken apart; use evt.buffer");
    SyslogMessage: field("syslog.message", Text, Event,
        "of a message to the system log").never("messages to the system log are not taken apart; use evt.buffer");
    SyslogSeverity: field("syslog.severity", Uint, Event,
        "of a message to the system log").never("messages to the system log are not taken apart; use evt.buffer");
    SyslogSeverityStr: field("syslog.severity.str", Text, Event,
        "of a message to the system log").never("messages to the system log are not taken apart; use evt.buffer");
    ThreadCapEffective: field("thread.cap_effective", Text, Process, "effective capabilities, by name");
    ThreadCapInheritable: field("thread.cap_inheritable", Text, Process, "inheritable capabilities, by name");
    ThreadCapPermitted: field("thread.cap_permitted", Text, Process, "permitted capabilities, by name");
    ThreadCgroup: field("thread.cgroup", Text, Process, "cgroup of one subsystem").takes(Argument::Key);
    ThreadCgroups: field("thread.cgroups", Text, Process, "all cgroups, as subsystem=path");
    ThreadCpu: field("thread.cpu", Uint, Event, "processor time of the last second").never(SAMPLES);
    ThreadCpuSystem: field("thread.cpu.system", Uint, Event, "processor time of the last second").never(SAMPLES);
    ThreadCpuUser: field("thread.cpu.user", Uint, Event, "processor time of the last second").never(SAMPLES);
    ThreadExectime: field("thread.exectime", RelativeTime, Event, "processor time of the last turn").never(SAMPLES);
    ThreadIsmain: field("thread.ismain", Bool, Process, "whether it is the process's first thread");
    ThreadNametid: field("thread.nametid", Text, Process, "name and thread id").never(TABLES);
    ThreadPfmajor: field("thread.pfmajor", Uint, Event, "page faults with I/O since its start");
    ThreadPfminor: field("thread.pfminor", Uint, Event, "page faults without I/O since its start");
    ThreadTid: field("thread.tid", Int, Event, "thread id");
    ThreadTotexectime: field("thread.totexectime", RelativeTime, Event,
        "processor time since the beginning of the recording").never(SAMPLES);
    ThreadVmrss: field("thread.vmrss", Uint, Event, "resident memory in KiB; 0 but for the first thread");
    ThreadVmrssB: field("thread.vmrss.b", Uint, Event, "resident memory in bytes").never(TABLES);
    ThreadVmsize: field("thread.vmsize", Uint, Event, "virtual memory in KiB; 0 but for the first thread");
    ThreadVmsizeB: field("thread.vmsize.b", Uint, Event, "virtual memory in bytes").never(TABLES);
    ThreadVtid: field("thread.vtid", Int, Process, "thread id in the namespace of the process");
    UserHomedir: field("user.homedir", Text, Process, "home directory");
    UserLoginname: field("user.loginname", Text, Process, "user name at login");
    UserLoginuid: field("user.loginuid", Int, Process, "user id at login; -1 if there was none");
    UserName: field("user.name", Text, Process, "user name");
    UserShell: field("user.shell", Text, Process, "login shell");
    UserUid: field("user.uid", Uint, Process, "user id");
}
