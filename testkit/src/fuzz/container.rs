//! What engines write about containers.

use super::LIMITS;
use sekisho_base::Limits;
use sekisho_model::{Engine, RunningContainer};
use sekisho_oci::container::Engines;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const HOST: &[u8] = include_bytes!("../../../crates/oci/src/container/fixtures/host.tar.zst");
const DOCKER: &str = "318860897bd38dd0b0ce2c78e60efeb116613d0db15489606c2a3156e049cc84";
const PODMAN: &str = "9325d317499229a1c2d48c3869918690ce2a1daafa459a10d1a2d7c0276f5839";
const CRI: &str = "f0582538bc0a4916256921042fb85eb9dc0c37fce27bcc8148cc119af366d2e6";
/// Files of the host, and the container that each is about.
const FILES: [(&str, &str); 8] = [
    ("var/lib/docker/containers/ID/config.v2.json", DOCKER),
    ("var/lib/docker/containers/ID/hostconfig.json", DOCKER),
    ("var/lib/docker/image/overlay2/repositories.json", DOCKER),
    ("var/lib/containers/storage/overlay-containers/containers.json", PODMAN),
    ("var/lib/containers/storage/overlay-images/images.json", PODMAN),
    ("var/lib/containers/storage/overlay-containers/ID/userdata/config.json", PODMAN),
    ("run/containerd/io.containerd.runtime.v2.task/k8s.io/ID/config.json", CRI),
    ("etc/containers/storage.conf", PODMAN),
];
const DATABASE: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
/// The database has more keys than other targets read.
static MORE: Limits = Limits { records: 5000, text_file_bytes: 1 << 20, ..LIMITS };

/// One of the files of a host is the input but for its first byte, which says which; or the input is changes to the
/// database of containerd, three bytes for the place and one for what is there.
pub fn container(bytes: &[u8]) {
    thread_local! {
        static FOLDER: TempDir = {
            let folder = tempfile::tempdir().expect("a temporary directory can be made");
            let packed = zstd::decode_all(HOST).expect("the fixture is sound");
            tar::Archive::new(&packed[..]).unpack(folder.path()).expect("a temporary directory can be filled");
            fs::create_dir_all(folder.path().join("etc/containers")).expect("a temporary directory can be filled");
            folder
        };
    }
    let Some((kind, rest)) = bytes.split_first() else { return };
    FOLDER.with(|folder| {
        let (path, id) = FILES.get(usize::from(*kind) % (FILES.len() + 1)).copied().unwrap_or((DATABASE, CRI));
        let path: PathBuf = folder.path().join(path.replace("ID", id));
        let before = fs::read(&path).ok();
        let mut changed = rest.to_vec();
        if path.ends_with(DATABASE) {
            changed = before.clone().unwrap_or_default();
            for change in rest.as_chunks::<4>().0 {
                let at = u32::from_le_bytes([change[0], change[1], change[2], 0]) as usize % changed.len().max(1);
                changed[at] = change[3];
            }
        }
        fs::write(&path, changed).expect("a temporary file can be written");
        look(folder, id);
        match before {
            Some(before) => fs::write(&path, before),
            None => fs::remove_file(&path),
        }
        .expect("a temporary file can be written");
    });
}

fn look(folder: &TempDir, id: &str) {
    let (engines, _) = Engines::of_host(folder.path(), &MORE).expect("it is a directory");
    let (container, diagnostics) = engines.find(id, Engine::Containerd);
    let RunningContainer { name, image, image_digest, full_id, .. } = &container;
    assert_eq!(full_id.as_deref(), Some(id));
    assert!(name.is_some() && image.is_some() || !diagnostics.is_empty(), "what is not known has a reason");
    assert!([name, image, image_digest].into_iter().flatten().all(|text| !text.is_empty()), "empty is not known");
    assert!(container.size() as u64 <= 4 * MORE.text_file_bytes, "more than is read");
}
