//! Downloads from servers that break, lie and dawdle.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use sekisho_net::header::HeaderMap;
use sekisho_net::{FetchError, Get, Got, Network, Patience, Validators, Watch, download};
use sekisho_testkit::server::{Answer, Request, Server, file};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::sync::Mutex;
use std::time::Duration;

const BODY: &[u8] = b"0123456789";

/// Waits for nothing, and gives a server this long to go on.
fn patience() -> Patience {
    Patience {
        attempts: 3,
        first: Duration::ZERO,
        longest: Duration::from_secs(5),
        window: Duration::from_millis(300),
        least: 4,
    }
}

#[derive(Default)]
struct Seen {
    begins: Vec<(u64, Option<u64>)>,
    bytes: u64,
}

impl Watch for Seen {
    fn begins(&mut self, _: &Validators, from: u64, total: Option<u64>) -> std::io::Result<()> {
        self.begins.push((from, total));
        Ok(())
    }

    fn advance(&mut self, bytes: u64) {
        self.bytes += bytes;
    }
}

struct Run {
    result: Result<Got, FetchError>,
    content: Vec<u8>,
    seen: Seen,
    requests: Vec<Request>,
}

/// Downloads from `server`, with what the file holds of which version.
fn run(server: &Server, there: &[u8], begun: Option<&str>, known: Option<&str>, most: u64) -> Run {
    let client = Network::default().client().unwrap();
    let validators = |etag: &str| Validators { etag: Some(format!("\"{etag}\"")), last_modified: None };
    let known = known.map(validators);
    let mut target: File = tempfile::tempfile().unwrap();
    target.write_all(there).unwrap();
    let mut seen = Seen::default();
    let url = server.url("/file");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let get = Get {
        url: &url,
        headers: HeaderMap::new(),
        known: known.as_ref(),
        begun: begun.map(validators),
        most,
        immutable: false,
    };
    let result = runtime.block_on(download(&client, &patience(), get, &mut target, &mut seen));
    let mut content = Vec::new();
    target.rewind().unwrap();
    target.read_to_end(&mut content).unwrap();
    Run { result, content, seen, requests: server.take_requests() }
}

/// A server that gives its answers one after the other, the last one for ever.
fn script(answers: Vec<Answer>) -> Server {
    let rest = Mutex::new(answers);
    Server::new(move |_| {
        let mut rest = rest.lock().unwrap();
        if rest.len() > 1 { rest.remove(0) } else { rest[0].clone() }
    })
}

fn plain(server: &Server) -> Run {
    run(server, b"", None, None, 100)
}

#[test]
fn a_file_comes_whole_and_only_when_it_changed() {
    let server = Server::new(|request| file(request, BODY, "v1"));
    let got = plain(&server);
    let version = Validators { etag: Some("\"v1\"".into()), last_modified: None };
    assert_eq!(got.result.unwrap(), Got::Whole(version));
    assert_eq!((got.content.as_slice(), got.seen.bytes), (BODY, 10));
    assert_eq!(got.seen.begins, [(0, Some(10))]);
    let again = run(&server, b"", None, Some("v1"), 100);
    assert_eq!(again.result.unwrap(), Got::Unchanged);
    assert_eq!(again.requests[0].header("if-none-match"), "\"v1\"");
    assert!(again.content.is_empty() && again.seen.begins.is_empty());
    assert!(matches!(run(&server, b"", None, Some("v0"), 100).result.unwrap(), Got::Whole(_)));
    // An answer to a question that was not asked.
    let unasked = plain(&Server::new(|_| Answer::new(304, "")));
    assert!(matches!(unasked.result, Err(FetchError::Status { status, .. }) if status.as_u16() == 304));
}

#[test]
fn a_broken_connection_is_taken_up_where_it_broke() {
    // The first answer announces ten bytes and ends after four.
    let first = Mutex::new(true);
    let server = Server::new(move |request| {
        if std::mem::take(&mut *first.lock().unwrap()) {
            return Answer::new(200, &BODY[..4]).announcing(10).with("etag", "\"v1\"");
        }
        file(request, BODY, "v1")
    });
    let got = plain(&server);
    assert!(matches!(got.result.unwrap(), Got::Whole(_)));
    assert_eq!(got.content, BODY);
    assert_eq!(got.seen.begins, [(0, Some(10)), (4, Some(10))]);
    assert_eq!((got.requests[1].header("range"), got.requests[1].header("if-range")), ("bytes=4-", "\"v1\""));
    // Another process left the beginning.
    let server = Server::new(|request| file(request, BODY, "v1"));
    let got = run(&server, &BODY[..7], Some("v1"), Some("v0"), 100);
    assert_eq!((got.content.as_slice(), got.seen.bytes), (BODY, 3));
    assert_eq!(got.requests[0].header("if-none-match"), "", "a part is of a newer version than what is known");
}

#[test]
fn a_part_of_another_version_is_thrown_away() {
    let server = Server::new(|request| file(request, BODY, "v2"));
    assert_eq!(run(&server, b"abcd", Some("v1"), None, 100).content, BODY);
    // A server that sends the rest all the same: of another version, or of another place.
    for wrong in [("\"v2\"", "bytes 4-9/10"), ("\"v1\"", "bytes 3-9/10"), ("\"v1\"", "nonsense")] {
        let server = Server::new(move |request| {
            if request.header("range").is_empty() {
                return Answer::new(200, BODY).with("etag", "\"v2\"");
            }
            Answer::new(206, &BODY[4..]).with("etag", wrong.0).with("content-range", wrong.1)
        });
        assert_eq!(run(&server, b"abcd", Some("v1"), None, 100).content, BODY, "{wrong:?}");
    }
    // More is there than the file has.
    let server = Server::new(|request| file(request, BODY, "v1"));
    let got = run(&server, b"0123456789ab", Some("v1"), None, 100);
    assert_eq!(got.content, BODY);
    // Nothing to tell versions by: from the beginning.
    let got = run(&Server::new(|_| Answer::new(200, BODY)), b"abcd", None, None, 100);
    assert_eq!((got.content.as_slice(), got.requests[0].header("range")), (BODY, ""));
}

#[test]
fn errors_that_pass_are_waited_for() {
    let sound = || Answer::new(200, BODY);
    for failing in [
        Answer::new(500, ""),
        Answer::new(503, "").with("retry-after", 0),
        Answer::new(429, "").with("retry-after", 0),
        Answer::new(408, ""),
        Answer::new(200, &BODY[..3]).announcing(10),
        Answer::new(200, &BODY[..3]).announcing(10).hanging(),
    ] {
        let got = plain(&script(vec![failing.clone(), sound()]));
        assert_eq!((got.content.as_slice(), got.requests.len()), (BODY, 2), "{failing:?}");
    }
    let got = plain(&script(vec![Answer::new(502, "")]));
    assert_eq!(got.requests.len(), 3);
    assert!(got.result.unwrap_err().to_string().contains("502"));
    // Too long a wait is not waited for, and what is wrong for good is not asked again.
    for last in [Answer::new(429, "").with("retry-after", 3600), Answer::new(404, ""), Answer::new(403, "")] {
        assert_eq!(plain(&script(vec![last])).requests.len(), 1);
    }
}

#[test]
fn what_is_too_large_too_short_or_too_slow_has_an_end() {
    let got = run(&script(vec![Answer::new(200, BODY)]), b"", None, None, 9);
    assert!(matches!(got.result, Err(FetchError::TooLarge { limit: 9, .. })));
    assert!(got.content.is_empty(), "known before anything was taken");
    // Not announced: chunked, so that it shows only when it comes.
    let chunked =
        Answer::new(200, "a\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n").with("transfer-encoding", "chunked");
    let got = run(&script(vec![chunked]), b"", None, None, 15);
    assert!(matches!(got.result, Err(FetchError::TooLarge { limit: 15, .. })), "{:?}", got.result);
    // Says that there is more than there is, every time.
    let got = plain(&script(vec![Answer::new(200, BODY).announcing(11)]));
    assert!(got.result.is_err());
    assert_eq!(got.requests.len(), 3);
    // Drips.
    let got = plain(&script(vec![Answer::new(200, "abc").announcing(10).hanging()]));
    assert!(matches!(got.result, Err(FetchError::Stalled { .. })), "{:?}", got.result);
    assert_eq!(got.requests.len(), 3);
    // Never says anything: who keeps silent twice is not asked as often as who has begun.
    let got = plain(&script(vec![Answer::none()]));
    assert!(matches!(got.result, Err(FetchError::Silent { .. })), "{:?}", got.result);
    assert_eq!(got.requests.len(), 2);
}

#[test]
fn redirections_are_followed_and_have_an_end() {
    let server = Server::new(|request| match request.target.as_str() {
        "/file" => Answer::new(302, "").with("location", "/there"),
        _ => Answer::new(200, BODY),
    });
    assert_eq!(plain(&server).content, BODY);
    let circle = plain(&Server::new(|_| Answer::new(302, "").with("location", "/file")));
    assert!(circle.result.is_err());
    assert!(circle.requests.len() < 10, "{}", circle.requests.len());
    let error = plain(&Server::new(|_| Answer::new(302, "").with("location", "ftp://x/"))).result.unwrap_err();
    assert!(matches!(error, FetchError::Request { .. }), "{error:?}");
}

#[test]
fn what_cannot_be_reached_says_so_without_credentials() {
    let client = Network::default().client().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [format!("http://me:secret@{unused}/x"), "nonsense".to_owned(), "ftp://me:secret@x/".to_owned()] {
        let get = Get { url: &url, headers: HeaderMap::new(), known: None, begun: None, most: 1, immutable: false };
        let mut target = tempfile::tempfile().unwrap();
        let result = runtime.block_on(download(&client, &patience(), get, &mut target, &mut Seen::default()));
        let error = result.unwrap_err();
        let mut said = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            said += &error.to_string();
            source = error.source();
        }
        assert!(!said.contains("secret"), "{said}");
    }
}
