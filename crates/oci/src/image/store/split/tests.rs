use super::*;
use std::fs;
use std::os::unix::fs::symlink;

/// A layer whose record has these lines, and its tree.
fn layer(lines: &[u8]) -> (tempfile::TempDir, SplitLayer) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("diff/usr/bin")).unwrap();
    fs::write(folder.path().join("diff/usr/bin/tool"), "tool!").unwrap();
    fs::write(folder.path().join("outside"), "outer").unwrap();
    fs::write(folder.path().join("split"), lines).unwrap();
    let store = Arc::new(Directory::open(folder.path()).unwrap());
    let layer = SplitLayer::new(store, "diff".into(), "split".into(), 0);
    (folder, layer)
}

fn read(layer: &SplitLayer, limits: &Limits) -> (io::Result<Vec<u8>>, Vec<String>) {
    let mut reader = match layer.reader(limits) {
        Ok(reader) => reader,
        Err(error) => return (Err(error), Vec::new()),
    };
    let mut bytes = Vec::new();
    let result = reader.read_to_end(&mut bytes).map(|_| bytes);
    (result, reader.told().iter().map(ToString::to_string).collect())
}

fn file(name: &str, size: u64) -> String {
    format!("{{\"type\":1,\"name\":\"{name}\",\"size\":{size},\"payload\":\"AAAAAAAAAAA=\",\"position\":1}}\n")
}

#[test]
fn segments_and_files_come_in_their_order() {
    let lines = format!(
        "{{\"type\":2,\"payload\":\"aGVhZA==\",\"position\":0}}\n{}{}{}{{\"type\":2,\"payload\":\"\",\"position\":4}}\n{{\"type\":2,\"payload\":\"dGFpbA==\"}}",
        file("./usr/bin/", 0),
        file("/usr//bin/./tool", 5),
        "{\"type\":1,\"name_raw\":\"dXNyL2Jpbi90b29s\",\"size\":5,\"payload\":null}\n\n"
    );
    let expected = b"headtool!tool!tail".to_vec();
    let (_folder, plain) = layer(lines.as_bytes());
    let (bytes, told) = read(&plain, &Limits::default());
    assert_eq!((bytes.unwrap(), told), (expected.clone(), Vec::new()));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    io::Write::write_all(&mut encoder, lines.as_bytes()).unwrap();
    let stored = encoder.finish().unwrap();
    let (_folder, packed) = layer(&stored);
    assert_eq!(read(&packed, &Limits::default()).0.unwrap(), expected);
    for cut in 0..stored.len() {
        let (_folder, packed) = layer(&stored[..cut]);
        if let Ok(bytes) = read(&packed, &Limits::default()).0 {
            assert!(bytes.is_empty() && cut < 20, "{cut}");
        }
    }
}

#[test]
fn what_is_not_as_it_was_is_zeros_and_told() {
    let check = |name: &str, size: u64, reason: &str| {
        let (folder, layer) = layer(file(name, size).as_bytes());
        symlink("../../../outside", folder.path().join("diff/usr/bin/link")).unwrap();
        symlink("..", folder.path().join("diff/up")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(folder.path().join("diff/pipe")).status().unwrap();
        assert!(made.success());
        let (bytes, told) = read(&layer, &Limits::default());
        assert_eq!(bytes.unwrap(), vec![0; usize::try_from(size).unwrap()], "{name}");
        assert!(told.len() == 1 && told[0].contains(reason), "{name}: {told:?}");
    };
    check("usr/bin/absent", 7, "No such file");
    check("usr/bin/tool", 6, "has 5 bytes in the store, and 6 in the layer");
    check("usr/bin/tool", 4, "has 5 bytes");
    check("usr/bin", 9, "cannot be read");
    check("usr/bin/link", 5, "symbolic link");
    check("../outside", 5, "cannot be read");
    check("usr/../../outside", 5, "cannot be read");
    check("up/outside", 5, "cannot be read");
    check("pipe", 5, "not a regular file");
    check("", 5, "cannot be read");
    let lines: String = (0..1000).map(|number| file(&format!("absent/{number}"), 1)).collect();
    let (_folder, layer) = layer(lines.as_bytes());
    assert_eq!(read(&layer, &Limits::default()).1.len(), MOST_TOLD);
}

#[test]
fn records_are_bounded_and_of_their_form() {
    let refused = |lines: &str, limits: &Limits, reason: &str| {
        let (_folder, layer) = layer(lines.as_bytes());
        let error = read(&layer, limits).0.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    };
    let limits = Limits::default();
    refused("{", &limits, "not valid JSON");
    refused("[]\n", &limits, "not of the form");
    refused("{\"type\":3}\n", &limits, "unknown kind");
    refused("{\"type\":1,\"size\":1}\n", &limits, "without a name");
    refused("{\"type\":2,\"payload\":\"?\"}\n", &limits, "base64");
    let long = format!("{{\"type\":2,\"payload\":\"{}\"}}\n", "A".repeat(4096));
    refused(&long, &Limits { text_file_bytes: 4000, ..Limits::default() }, "limits.text_file_bytes");
    refused(
        &file("absent", u64::MAX),
        &Limits { inflated_bytes: 1 << 20, ..Limits::default() },
        "limits.inflated_bytes",
    );
    let again = file("usr/bin/tool", 5).repeat(100);
    refused(&again, &Limits { inflated_bytes: 499, ..Limits::default() }, "limits.inflated_bytes");
}
