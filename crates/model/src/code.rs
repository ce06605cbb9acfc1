//! The one table of error and diagnostic codes.
//!
//! A code is stable: scripts match on it, the documentation explains it, and the exit code of the
//! command follows from it. `docs/errors.md` is generated from this table.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked and nothing said no.
    Passed = 0,
    /// A gate or a policy said no.
    Refused = 1,
    /// What was asked for cannot be: the command line or the configuration is wrong, or nothing of the kind is there.
    Usage = 2,
    /// It was not completed: something was unreadable, damaged or beyond a limit, or the result not written.
    Incomplete = 3,
}

macro_rules! codes {
    ($($variant:ident = $text:literal, $exit:ident, $title:literal, $hint:literal;)*) => {
        /// A stable code of the form `area.reason`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = $title] #[serde(rename = $text)] $variant,)*
        }

        impl Code {
            /// All codes, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The text that scripts match on.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// How a command that ends with this code exits.
            pub fn exit(self) -> Exit {
                match self { $(Self::$variant => Exit::$exit),* }
            }

            /// What it means, in a sentence.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }

            /// What to do about it.
            pub fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint),* }
            }
        }
    };
}

codes! {
    ConfigInvalid = "config.invalid", Usage,
        "The configuration file or an environment variable holds a key or value that is not understood.",
        "correct the value; `sekisho config show` lists every setting";
    NetworkUnusable = "network.unusable", Usage,
        "A proxy or the certificate authorities of the configuration cannot be used.",
        "correct the value that `sekisho config show` gives for [network]";
    UsageInvalid = "usage.invalid", Usage,
        "The command line asks for something that does not exist or cannot be combined.",
        "run the command with --help";
    InputMalformed = "input.malformed", Usage,
        "A line of standard input is not of the form that the command reads.",
        "correct the line";
    InputUnreadable = "input.unreadable", Incomplete,
        "Standard input could not be read.",
        "check what is piped into the command";
    SourceMissing = "source.missing", Usage,
        "The file or directory to scan does not exist.",
        "check the path";
    SourceUnreadable = "source.unreadable", Incomplete,
        "The file or directory to scan could not be opened or read.",
        "check permissions, or run as a user who may read it";
    SourceNotDirectory = "source.not_a_directory", Usage,
        "A directory or file was to be scanned, and the path is something else, such as a pipe or a device.",
        "save it to a file first, or mount it and scan the directory";
    TemporaryUnusable = "temporary.unusable", Incomplete,
        "Temporary files cannot be written, or would take more than the limit.",
        "make room, or set scan.temporary to a directory that has some; raise limits.spill_bytes if the input is trusted";
    SourceUnknown = "source.unknown", Usage,
        "The file is of no form that is read.",
        "give a docker archive (docker save), an OCI layout directory, a tar of one, or an image of a registry; use `scan fs` for directories, packages and other archives";
    SourceChanged = "source.changed", Incomplete,
        "The file changed while it was being read.",
        "scan it again when nothing writes to it";
    ImageInvalid = "image.invalid", Incomplete,
        "The archive is damaged, or a manifest, index or configuration of the image does not follow its specification.",
        "build or save the image again";
    ImageAmbiguous = "image.ambiguous", Usage,
        "The archive or store holds several images that could be meant.",
        "choose one with --image NAME";
    ImageAbsent = "image.absent", Usage,
        "The archive or store does not hold the image that was asked for.",
        "choose one of the names listed";
    PlatformAbsent = "image.platform_absent", Usage,
        "The image exists, but not for the platform that was asked for.",
        "choose one of the platforms listed with --platform";
    ImageHistory = "image.history", Passed,
        "The build history does not fit the layers, so that no layer can be given its instruction.",
        "none needed; some tools that flatten images leave the history of the original";
    BlobMissing = "image.blob_missing", Incomplete,
        "The image refers to a blob that the archive, layout, registry or store does not hold.",
        "save or push the image again; a layout may have been copied in part";
    DigestMismatch = "image.digest_mismatch", Incomplete,
        "Stored bytes do not have the digest or the size that the image states for them.",
        "do not use the image: it was damaged or changed after it was built";
    DigestUnverified = "image.digest_unverified", Passed,
        "The store of the engine keeps layers unpacked: they are verified by their diffIDs, and the digests of their compressed form, which the manifest states, can be compared with nothing.",
        "none needed; scan the image of the registry to have those digests verified";
    SbomAttached = "sbom.attached", Passed,
        "What an SBOM beside the image has to do with the packages of its layers; without --sbom attached, none is looked at.",
        "none needed; what only the SBOM names was added, and is marked with its digest";
    LayerUnreadable = "layer.unreadable", Incomplete,
        "A layer or archive could not be inflated or read to its end; what was read before that is reported.",
        "save it again; it is cut short or damaged";
    LayerFormat = "layer.format", Incomplete,
        "A header of a layer or archive is damaged or of a form that is not read; the entry behind it is not analysed.",
        "build it again with a common tar writer";
    LayerMediaType = "layer.media_type", Incomplete,
        "A layer has a media type whose content is not read (encrypted or foreign).",
        "decrypt the image, or scan it where its layers are available";
    LimitExceeded = "limit.exceeded", Incomplete,
        "Input is larger than a limit allows; what lies beyond is not read.",
        "if the input is trusted, raise the limit that the message names, in the configuration";
    PathSuspicious = "layer.path_suspicious", Passed,
        "An entry's path leaves the root or is otherwise not what a builder writes; it was read as if from the root.",
        "look at how the image was built";
    FileUnreadable = "file.unreadable", Incomplete,
        "A file that can hold packages could not be read.",
        "check permissions, or save the image again";
    FileMalformed = "file.malformed", Incomplete,
        "A file that can hold packages does not follow its format; packages may be missing.",
        "check the file with the tool that wrote it";
    SystemUncovered = "system.uncovered", Incomplete,
        "There is an operating system, but no package database of a kind that is read, or one that names no package, or one that an upper layer removed; its packages are not listed.",
        "docs/analyzers.md lists the databases that are read; where the system has none on purpose, use --allow-incomplete";
    RecordMalformed = "record.malformed", Passed,
        "Records were passed over that name no package: one without a name or a version, or one that no package URL can be made for.",
        "none needed";
    FeedMalformed = "feed.malformed", Incomplete,
        "A file of an advisory feed does not follow its format; nothing of it was taken.",
        "get the file again from its publisher; see that it is complete and unpacked";
    FeedShrunk = "feed.shrunk", Incomplete,
        "A feed has less than half of what it had when it was last taken; it was taken all the same.",
        "see that it is the whole feed; take it again, or go back by importing the earlier one";
    FeedRecordMalformed = "feed.record_malformed", Incomplete,
        "A record of an advisory feed could not be understood; a vulnerability that only it names will not be found.",
        "get the feed again; if it is the publisher's fault, report it there";
    TreeExcluded = "fs.excluded", Passed,
        "A directory or partition was left out: another file system, a kernel interface, the storage of containers, or boot loaders.",
        "scan it on its own; --cross-file-systems goes into other file systems, not into the rest";
    TreeIsImage = "fs.image", Passed,
        "The directory that was scanned is itself an image in the OCI layout, whose layers were not looked into.",
        "use `scan image` to list what the image holds";
    CacheUnusable = "cache.unusable", Passed,
        "The cache could not be read or written; the scan went on without it.",
        "check the cache directory shown by `sekisho config show`";
    BaseUnusable = "base.unusable", Usage,
        "What was given as a base image with --base or in the configuration names no single image's layers.",
        "give one image, or a TOML list of known bases; copy one of several out with `skopeo copy oci:two:1.5 oci:base`";
    BaseUnmatched = "base.unmatched", Passed,
        "None of the base images given with --base or in the configuration leads with its layers.",
        "check that the image was built on this very version of the base";
    FeedUnreadable = "feed.unreadable", Incomplete,
        "A file of an advisory feed could not be read.",
        "check the path and the file, or fetch it again";
    FeedUnreachable = "feed.unreachable", Incomplete,
        "Advisories could not be fetched from where they are published; what was taken from there earlier stays.",
        "see [network] and [feeds] in `sekisho config show`; or fetch the files elsewhere and give their directory with --from";
    DatabaseAbsent = "database.absent", Incomplete,
        "There is no advisory database.",
        "make one with `sekisho db update`, or from files with `sekisho db import`";
    DatabaseForeign = "database.foreign", Usage,
        "A database that was pulled would be written over by one that is built from feeds, or the other way round.",
        "give --replace if that is what you want, or set database.directory to another directory";
    DatabaseDamaged = "database.damaged", Incomplete,
        "The advisory database is damaged, or of a form that this version does not read.",
        "import the feeds again";
    DatabaseUnwritable = "database.unwritable", Incomplete,
        "The advisory database could not be written; the earlier one stays.",
        "check the directory that `sekisho config show` gives for [database], and the space left";
    DatabaseRestricted = "database.restricted", Usage,
        "The database holds advisories that their publisher does not allow to be handed on.",
        "build one without them: `sekisho db remove SOURCE`; or give --allow-restricted if the publisher has agreed";
    RegistryUnreachable = "registry.unreachable", Incomplete,
        "A registry could not be reached, or does not answer as the distribution specification says.",
        "check the name, and [network] and [registry] in `sekisho config show`; a certificate that is not trusted, or its authority's, can be named in network.ca_bundle, and a registry without TLS wants --insecure, for `sekisho db` --plain-http";
    RegistryDenied = "registry.denied", Incomplete,
        "A registry denies access.",
        "log in with `docker login` or `podman login`; the message says as whom it was asked";
    ArtifactAbsent = "artifact.absent", Usage,
        "There is no artifact or image of the name that was given in the registry.",
        "check the name and the tag";
    ArtifactInvalid = "artifact.invalid", Incomplete,
        "An artifact is of another kind, or damaged.",
        "push it again; if it was changed by someone else, do not use it";
    ContainerUnknown = "container.unknown", Incomplete,
        "What the engine of a running container has written about it was not found, or could not be read: its name, its image or its pod is not known.",
        "check that the host's /run and /var/lib can be read, and where the engine keeps its files; docs/sensor.md lists what is looked at";
    VulnerabilitiesUnknown = "vulnerability.unknown", Incomplete,
        "Whether packages have vulnerabilities could not be told: the advisory database has nothing about where they are from, or their version cannot be compared.",
        "import the advisories of that distribution or ecosystem; `sekisho db status` lists what there is";
    VexMalformed = "vex.malformed", Incomplete,
        "A VEX document does not follow its format, or a statement of one has no status that is known; what it says does not count.",
        "get the document again, or correct it; OpenVEX, CycloneDX and CSAF are read, all as JSON";
    VexProductUnknown = "vex.product_unknown", Passed,
        "Statements of a VEX document were left aside: they name a product by no package URL and no image digest, or by one that is none.",
        "name packages by package URL and images by digest";
    VexUnused = "vex.unused", Passed,
        "Statements of a VEX document are about nothing that was found.",
        "none needed where the document is about other products too; otherwise compare its package URLs and digests with the report's";
    VexByName = "vex.by_name", Passed,
        "A VEX statement counts for the image because of its name, which is what the archive says of itself.",
        "name the image by its digest in the statement";
    VexEarly = "vex.early", Passed,
        "A VEX statement is dated later than today, and suppresses nothing yet.",
        "compare the clocks of this machine and of whoever wrote the statement";
    VexUnverified = "vex.unverified", Passed,
        "A VEX document came in an attestation, whose signature was not checked.",
        "check it with the tool that signed it";
    ExceptionMalformed = "exception.malformed", Usage,
        "A file of exceptions does not follow its format, or an exception lacks what it has to say.",
        "correct the line that the message names";
    ExceptionUnsupported = "exception.unsupported", Passed,
        "A rule of an ignore file asks for something that is not known here; it does not apply, so that nothing is suppressed that it does not mean.",
        "say the same by vulnerability, package and path";
    ExceptionExpired = "exception.expired", Passed,
        "An exception is over; what it was for counts again.",
        "fix what it was for, or have its owner decide anew; then remove or renew it";
    ExceptionUnused = "exception.unused", Passed,
        "An exception is for nothing that was found.",
        "remove it";
    ReportUnknown = "report.unknown", Usage,
        "The file is no scan report or SBOM that is read.",
        "give `scan sbom` an SBOM as JSON (CycloneDX, SPDX 2.3 or Syft's own); give `scan report` a report in JSON of this program (`sekisho scan --format json`), of Trivy (`trivy … --format json`) or of Grype (`grype … -o json`)";
    ReportMalformed = "report.malformed", Incomplete,
        "A scan report or an SBOM does not follow its format; nothing of it was taken.",
        "write it again with the program that made it";
    ReportRecordMalformed = "report.record_malformed", Incomplete,
        "A record of a scan report or SBOM names no vulnerability or no package, or one that it does not describe; or an SBOM names no package at all.",
        "write it again with the program that made it";
    ReportLimited = "report.limited", Passed,
        "A report or an SBOM of another program tells less than a scan of ours, or something about it is worth knowing.",
        "none needed";
    ManifestMalformed = "manifest.malformed", Incomplete,
        "A manifest, or an object in it, is not of the form that the API server takes; what it would run is not judged.",
        "correct the line that the message names; render templates first, with `helm template` or `kustomize build`";
    ManifestEmpty = "manifest.empty", Incomplete,
        "A file, directory or standard input that was named holds no object of Kubernetes; what was meant by it is not judged.",
        "see whether what was to write it failed, or leave it out";
    ManifestForeign = "manifest.foreign", Passed,
        "A document among the manifests is no object of Kubernetes, or of a kind that is not judged.",
        "none needed";
    PolicyMalformed = "policy.malformed", Usage,
        "A policy cannot be asked: it does not follow its form, or asks for something that does not exist.",
        "correct the line that the message names; `sekisho policy lint` tells all that is wrong";
    RulesMalformed = "rules.malformed", Usage,
        "Detection rules cannot be loaded: a file does not follow its form, or asks for something that does not exist.",
        "correct the line that the message names; `sekisho detect rules lint` tells all that is wrong";
    BaselineMalformed = "baseline.malformed", Usage,
        "A document of baselines cannot be used: it is of another form, or has no baseline of what was asked for.",
        "give what `sekisho detect baseline learn` wrote; `sekisho detect baseline show` lists what is in it";
    ResponseMalformed = "response.malformed", Usage,
        "A plan of responses cannot be used: it does not follow its form, or asks for something that does not exist.",
        "correct what the message names; docs/guide/en/response.md has the form";
    SensorRefused = "sensor.refused", Incomplete,
        "This host cannot be watched, or not any longer: the kernel allows to this process neither programs of the sensor nor the connector of processes.",
        "run it as root, or with the capabilities that docs/sensor.md names; in a container, with the host's processes";
    AdmissionUnusable = "admission.unusable", Incomplete,
        "The admission webhook could not be set up: it cannot listen, has no certificate, or the API server does not let it do what it has to.",
        "see [admission] in `sekisho config show`, and the rights of the service account in `sekisho admission manifests`";
    ListenFailed = "listen.failed", Incomplete,
        "Nobody can be listened to: the address is taken or is not of this machine, or the certificate cannot be used.",
        "give another address with --listen or --listen-metrics, or look at the files of --certificate and --key";
    InternalFault = "internal.fault", Incomplete,
        "A part of the program failed in a way it should not.",
        "report it as a bug, with the input if it can be shared";
    RequestMalformed = "request.malformed", Usage,
        "The hub does not understand a request: its path, query or document is not of the form that is asked for.",
        "compare it with docs/openapi.json";
    RequestFilter = "request.filter", Usage,
        "The filter of a list is not of the grammar, or names a field that the list does not have.",
        "correct the filter; the guide has the grammar, docs/openapi.json the fields of each list";
    RequestUnauthenticated = "request.unauthenticated", Usage,
        "The hub does not know who asks: there is no token, or it has expired, was revoked or is none.",
        "log in with `sekisho hub login`, or give a token in hub.token_file or SEKISHO_HUB__TOKEN";
    RequestForbidden = "request.forbidden", Usage,
        "Who asks may not do that.",
        "ask an administrator of the hub for a role that may";
    RequestAbsent = "request.absent", Usage,
        "The hub has nothing under that name.",
        "look at the list of what there is";
    RequestConflict = "request.conflict", Usage,
        "What was asked for is there already, or something else needs it as it is.",
        "look at what there is, and change that";
    RequestMethod = "request.method", Usage,
        "That cannot be done with what the path names.",
        "compare it with docs/openapi.json";
    RequestSlow = "request.slow", Incomplete,
        "A request was not sent in time.",
        "send it again; nothing of it was kept";
    RequestTooLarge = "request.too_large", Usage,
        "A request is larger than the hub takes.",
        "raise limits.text_file_bytes of the hub if the sender is trusted";
    RequestMediaType = "request.media_type", Usage,
        "The document of a request has a media type or an encoding that the hub does not read.",
        "send application/json, plain or with Content-Encoding: gzip or zstd";
    RequestRate = "request.rate", Incomplete,
        "More is asked of the hub than it takes at once.",
        "ask again after the seconds that Retry-After says";
    HubUnavailable = "hub.unavailable", Incomplete,
        "The hub cannot read or write its state at the moment.",
        "ask again later; the logs of the hub say why";
    HubUnreachable = "hub.unreachable", Incomplete,
        "The hub does not answer, or what answers is none.",
        "check hub.url, and that `sekisho hub serve` runs there";
    HubUnusable = "hub.unusable", Incomplete,
        "The hub cannot start: its state, its address or its certificate cannot be used.",
        "check the values that `sekisho config show` gives for [hub]";
    OutputFailed = "output.failed", Incomplete,
        "The result could not be written.",
        "check the path given with --output and the space left";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_of_one_form() {
        let mut seen = std::collections::BTreeSet::new();
        for code in Code::ALL {
            let text = code.as_str();
            assert!(seen.insert(text), "{text} twice");
            assert_eq!(text.split('.').count(), 2, "{text}");
            assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'.' || byte == b'_'), "{text}");
            assert!(!code.hint().ends_with('.'), "{text}: hints have no trailing dot");
            assert_eq!(serde_json::to_string(code).unwrap(), format!("{text:?}"));
        }
    }
}
