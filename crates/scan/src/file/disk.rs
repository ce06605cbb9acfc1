//! Images of disks: the file systems of all partitions, put together as the system in them would mount them.
//!
//! Nothing is mounted. The file system that holds a system is the root; where its `fstab` mounts another one, that is
//! shown there, and otherwise below the number of its partition.

use super::Context;
use super::ext4::Ext;
use super::partition::{Content, Partition, Purpose, Table, Window, content};
use super::qcow2::Qcow2;
use crate::facts::LayerFacts;
use sekisho_base::ReadAt;
use sekisho_base::bytes::FileRange;
use sekisho_model::{Code, Diagnostic};
use sekisho_oci::path;
use std::rc::Rc;

/// Bytes of `fstab` that are read.
const MOST_FSTAB: u64 = 64 << 10;
/// What says that a tree is that of a system.
const OF_SYSTEMS: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

/// The disk in a qcow2 image.
pub(super) fn qcow2(data: &FileRange, context: &Context<'_>) -> LayerFacts {
    match Qcow2::open(data.clone(), &context.options.limits) {
        Ok(disk) => read(Rc::new(disk), data.size(), context),
        Err(reason) => {
            let diagnostics =
                vec![Diagnostic::incomplete(Code::FileUnreadable, format!("the disk is not read: {reason}"))];
            LayerFacts { diagnostics, ..LayerFacts::default() }
        }
    }
}

/// A disk as it is.
pub(super) fn raw(data: &FileRange, context: &Context<'_>) -> LayerFacts {
    read(Rc::new(data.clone()), data.size(), context)
}

fn read(disk: Rc<dyn ReadAt>, stored_bytes: u64, context: &Context<'_>) -> LayerFacts {
    let mut collector = context.collector();
    let mut spool = context.spool();
    let Table { partitions, damage } = match Table::read(&Window::whole(disk)) {
        Ok(table) => table,
        Err(error) => {
            let message = format!("the partitions cannot be read: {error}");
            collector.diagnostic(Diagnostic::incomplete(Code::FileUnreadable, message));
            return collector.finish();
        }
    };
    for damage in damage {
        collector.diagnostic(Diagnostic::incomplete(Code::FileMalformed, damage));
    }
    let mut systems = Vec::new();
    for partition in partitions {
        let place = name(&partition);
        let unread = |what: &str| {
            Diagnostic::incomplete(Code::FileUnreadable, format!("{place} holds {what}, which is not read"))
        };
        let left_out =
            |what: &str| Diagnostic::note(Code::TreeExcluded, format!("{place} is left out: it holds {what}"));
        let found = match content(&partition.data) {
            Ok(found) => found,
            Err(error) => {
                let message = format!("{place} cannot be read: {error}");
                collector.diagnostic(Diagnostic::incomplete(Code::FileUnreadable, message));
                continue;
            }
        };
        match (found, partition.purpose) {
            (Content::Ext, _) => match Ext::open(partition.data.clone(), context.deadline) {
                Ok(fs) => {
                    // Files whose content is not there are told one by one.
                    if let Some((stated, there)) = fs.cut() {
                        let message = format!(
                            "{place} is cut short: its file system has {stated} bytes, of which {there} are there"
                        );
                        collector.diagnostic(Diagnostic::note(Code::FileMalformed, message));
                    }
                    systems.push((partition, fs));
                }
                Err(error) => {
                    let message = format!("{place} holds an ext4 file system that cannot be read: {error}");
                    collector.diagnostic(Diagnostic::incomplete(Code::FileUnreadable, message));
                }
            },
            (Content::Swap, _) => {}
            (Content::Blank, _) if partition.number == 0 => {
                let message = "the disk has neither partitions nor a file system at its beginning; what lies further on is not read";
                collector.diagnostic(Diagnostic::incomplete(Code::FileUnreadable, message));
            }
            (Content::Blank, _) => collector.diagnostic(left_out("nothing at its beginning")),
            (Content::Fat, Some(Purpose::Efi)) => collector.diagnostic(left_out("boot loaders")),
            (Content::Unknown, Some(Purpose::Loader)) => collector.diagnostic(left_out("the code of a boot loader")),
            (Content::Fat, _) => collector.diagnostic(unread("a FAT file system")),
            (Content::Unread(what), _) => collector.diagnostic(unread(what)),
            (Content::Unknown, _) => collector.diagnostic(unread("no file system that is known")),
        }
    }
    let is_system = |(_, fs): &(Partition, Ext)| OF_SYSTEMS.iter().any(|path| fs.has(path));
    let root = systems.iter().position(is_system);
    let root = root.or_else(|| systems.iter().position(|(_, fs)| fs.has("/etc"))).unwrap_or_default();
    let fstab = systems.get(root).and_then(|(_, fs)| fs.text("/etc/fstab", MOST_FSTAB)).unwrap_or_default();
    for (index, system) in systems.iter().enumerate() {
        let (partition, fs) = system;
        let prefix = if index == root {
            String::new()
        } else {
            mounted(&fstab, partition, fs).unwrap_or_else(|| format!("partition-{}", partition.number))
        };
        if index != root && is_system(system) {
            let message = format!(
                "{} holds another system, of whose packages none but those of languages are looked for",
                name(partition)
            );
            collector.diagnostic(Diagnostic::incomplete(Code::SystemUncovered, message).at(prefix.as_str()));
        }
        fs.walk(&prefix, &mut collector, &mut spool, context.deadline);
    }
    context.options.progress.advance(stored_bytes);
    collector.finish()
}

fn name(partition: &Partition) -> String {
    match partition.number {
        0 => "the disk".to_owned(),
        number => format!("partition {number}"),
    }
}

/// Where `fstab` (fstab(5)) mounts a file system.
fn mounted(fstab: &str, partition: &Partition, fs: &Ext) -> Option<String> {
    let id = fs.id();
    let is_it = |device: &str| {
        let (kind, value) = device.split_once('=').or_else(|| {
            let (kind, value) = device.strip_prefix("/dev/disk/by-")?.split_once('/')?;
            Some((kind, value))
        })?;
        let value = value.trim_matches('"');
        Some(match kind.to_ascii_uppercase().as_str() {
            "UUID" => value.eq_ignore_ascii_case(&id),
            "LABEL" => !value.is_empty() && fs.label() == Some(value),
            "PARTUUID" => partition.id.as_deref().is_some_and(|id| value.eq_ignore_ascii_case(id)),
            _ => false,
        })
    };
    fstab.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace().take_while(|word| !word.starts_with('#'));
        let (device, place) = (words.next()?, words.next()?);
        // Letters and one number, as in sda2, vda2 or nvme0n1p2: the last is that of the partition.
        let number = device.strip_prefix("/dev/").filter(|name| !name.contains('/')).and_then(|name| {
            let digits = name.len() - name.trim_end_matches(|last: char| last.is_ascii_digit()).len();
            name[name.len() - digits..].parse::<u32>().ok()
        });
        let fits = is_it(device).unwrap_or_else(|| number == Some(partition.number));
        let (path, sound) = path::normalize(place.as_bytes());
        (fits && sound && place.starts_with('/') && !path.is_empty()).then_some(path)
    })
}
