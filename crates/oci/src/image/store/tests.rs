use super::*;

fn listed(namespace: &str, name: &str, digit: char) -> (char, Listed) {
    let hex = digit.to_string().repeat(64);
    let digest = format!("sha256:{hex}").parse().unwrap();
    let names = if name.is_empty() { Vec::new() } else { vec![name.to_owned()] };
    (digit, Listed { namespace: namespace.to_owned(), names, digests: vec![digest], ids: vec![hex] })
}

fn meant(wanted: &str) -> Result<char, String> {
    let images = vec![
        listed("k8s.io", "docker.io/library/nginx:latest", 'a'),
        listed("k8s.io", "quay.io/team/nginx:latest", 'b'),
        listed("default", "docker.io/library/nginx:latest", 'c'),
        listed("default", "docker.io/library/redis:7", 'd'),
        listed("k8s.io", "docker.io/library/redis:7", 'd'),
        listed("default", "localhost:5000/nginx:latest", 'e'),
        listed("", "localhost/shop:1", '1'),
        listed("", "registry.example.org/localhost/shop:1", '2'),
        listed("", "", '3'),
    ];
    choose(images, wanted).map_err(|error| error.to_string())
}

#[test]
fn names_are_whole_or_their_end_and_ids_are_their_beginning() {
    assert_eq!(meant("quay.io/team/nginx"), Ok('b'));
    assert_eq!(meant("team/nginx:latest"), Ok('b'));
    assert_eq!(meant("redis:7"), Ok('d'), "one image in two namespaces is one");
    assert_eq!(meant("k8s.io/docker.io/library/nginx"), Ok('a'));
    assert_eq!(meant("default/library/nginx"), Ok('c'));
    assert_eq!(meant("localhost:5000/nginx"), Ok('e'));
    assert_eq!(meant("localhost/shop:1"), Ok('1'), "a whole name before the end of another");
    assert_eq!(meant("3333"), Ok('3'));
    assert_eq!(meant(&format!("sha256:{}", "2".repeat(64))), Ok('2'));
    assert_eq!(meant(&format!("library/redis@sha256:{}", "d".repeat(64))), Ok('d'));
    assert_eq!(meant(&format!("redis:8@sha256:{}", "d".repeat(64))), Ok('d'), "a digest says more than a tag");
}

#[test]
fn what_is_not_there_or_could_be_several_is_told_with_the_choices() {
    let error = meant("docker.io/library/nginx").unwrap_err();
    assert!(error.contains("default/docker.io/library/nginx:latest, k8s.io/docker.io/library/nginx:latest"), "{error}");
    assert!(meant("nginx").unwrap_err().contains("holds 4 images"));
    for absent in ["redis", "edis:7", "33", "333g", "", ":latest", "/", "nginx:1", "k8s.io/", "library/nginx@sha256:00"]
    {
        let error = meant(absent).unwrap_err();
        assert!(error.contains("holds no image") && error.contains("localhost/shop:1"), "{absent}: {error}");
    }
    assert!(meant(&format!("redis@sha256:{}", "a".repeat(64))).is_err());
    let many: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    assert!(some_of(&many).ends_with("8, 9 and 990 more"), "{}", some_of(&many));
}
