//! An HTTP server on the loopback interface that answers as a test says, also wrongly.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What came.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`
    pub method: String,
    /// What is asked for: a path with its query, or for a proxy a whole address.
    pub target: String,
    /// By names in lower case.
    pub headers: BTreeMap<String, String>,
    /// What was sent.
    pub body: Vec<u8>,
}

impl Request {
    /// A header; empty where it was not sent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// `200`
    pub status: u16,
    /// In this order; the length of the body is added unless it is among them.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Vec<u8>,
    /// What happens behind the body.
    pub end: End,
}

/// What happens behind a body, or instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The connection is closed.
    Close,
    /// Nothing at all is sent, and the connection is held until the client gives up.
    Silent,
    /// Nothing more is sent, and the connection is held until the client gives up.
    Hang,
}

impl Answer {
    /// An answer.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), end: End::Close }
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Announces so many bytes, however many there are.
    #[must_use]
    pub fn announcing(self, bytes: usize) -> Self {
        self.with("content-length", bytes)
    }

    /// No answer.
    pub fn none() -> Self {
        Self { end: End::Silent, ..Self::new(0, "") }
    }

    /// Goes silent instead of closing the connection.
    #[must_use]
    pub fn hanging(self) -> Self {
        Self { end: End::Hang, ..self }
    }
}

/// A server that runs until the test ends.
#[derive(Debug, Clone)]
pub struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers each request by `answer`.
    pub fn new(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of the loopback interface");
        let address = listener.local_addr().expect("its address");
        let seen: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (answer, log) = (Arc::new(answer), Arc::clone(&seen));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                thread::spawn(move || serve(stream, &*answer, &log));
            }
        });
        Self { address, seen }
    }

    /// The address of `path` on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Host and port.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// What came so far; forgotten by this.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn serve(mut stream: TcpStream, answer: &(dyn Fn(&Request) -> Answer + Send + Sync), log: &Mutex<Vec<Request>>) {
    let Ok(reader) = stream.try_clone() else { return };
    let mut reader = BufReader::new(reader);
    let Some(request) = read(&mut reader, &mut stream) else { return };
    log.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    let mut answer = answer(&request);
    let has = |answer: &Answer, name: &str| answer.headers.iter().any(|(it, _)| it.eq_ignore_ascii_case(name));
    if !has(&answer, "content-length") && !has(&answer, "transfer-encoding") && answer.status != 304 {
        answer = answer.clone().announcing(answer.body.len());
    }
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
    }
    head += "\r\n";
    let body: &[u8] = if request.method == "HEAD" { &[] } else { &answer.body };
    if answer.end != End::Silent {
        // A client that has gone away is what some tests are about.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).and_then(|()| stream.flush());
    }
    if answer.end != End::Close {
        // Ends when the client closes its side.
        let _ = reader.read(&mut [0]);
    }
}

fn read(reader: &mut impl BufRead, back: &mut TcpStream) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut words = lines.first()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let pair = |line: &String| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    let headers: BTreeMap<String, String> = lines.iter().skip(1).filter_map(pair).collect();
    if headers.get("expect").is_some_and(|expect| expect == "100-continue") {
        back.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let mut body = Vec::new();
    if let Some(length) = headers.get("content-length") {
        reader.take(length.parse().ok()?).read_to_end(&mut body).ok()?;
    } else if headers.contains_key("transfer-encoding") {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let size = u64::from_str_radix(line.trim(), 16).ok()?;
            reader.by_ref().take(size).read_to_end(&mut body).ok()?;
            reader.read_line(&mut String::new()).ok()?;
            if size == 0 {
                break;
            }
        }
    }
    Some(Request { method, target, headers, body })
}

/// A file as a sound server has it: with an `ETag`, conditional requests and ranges.
pub fn file(request: &Request, bytes: &[u8], etag: &str) -> Answer {
    let etag = format!("\"{etag}\"");
    if request.header("if-none-match") == etag {
        return Answer::new(304, "").with("etag", etag);
    }
    let range = request.header("range").strip_prefix("bytes=").and_then(|range| range.strip_suffix('-'));
    match range.and_then(|start| start.parse::<usize>().ok()) {
        // Whoever asks for a part without a word about its version gets it.
        Some(_) if !["", &etag].contains(&request.header("if-range")) => Answer::new(200, bytes).with("etag", etag),
        Some(start) if start >= bytes.len() => Answer::new(416, ""),
        Some(start) => Answer::new(206, &bytes[start..])
            .with("etag", etag)
            .with("content-range", format!("bytes {start}-{}/{}", bytes.len() - 1, bytes.len())),
        None => Answer::new(200, bytes).with("etag", etag),
    }
}
