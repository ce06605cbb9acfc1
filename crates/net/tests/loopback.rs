//! Proxies and private authorities, against servers on the loopback interface.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sekisho_net::Network;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::Arc;
use std::thread;

/// Serves each connection by `answer` until the test ends.
fn serve(answer: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().flatten().for_each(answer));
    address
}

/// The lines of a request's head.
fn head(stream: &mut impl Read) -> Vec<String> {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).collect()
}

fn respond(stream: &mut impl Write, body: &str) {
    let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
}

/// A proxy that answers plain requests itself and leads every tunnel to `target`.
fn proxy(target: SocketAddr) -> SocketAddr {
    serve(move |mut client| {
        let request = head(&mut client.try_clone().unwrap()).remove(0);
        if !request.starts_with("CONNECT ") {
            return respond(&mut client, &format!("proxied {request}"));
        }
        let server = TcpStream::connect(target).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let pipe = |mut from: TcpStream, mut to: TcpStream| {
            thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(std::net::Shutdown::Write);
            })
        };
        pipe(client.try_clone().unwrap(), server.try_clone().unwrap());
        pipe(server, client);
    })
}

/// A TLS server for `name`, and the PEM of the private authority that vouches for it.
fn tls_server(name: &str) -> (SocketAddr, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    (secure(&certificate, &key), pem)
}

/// A TLS server with this certificate.
fn secure(certificate: &Certificate, key: &KeyPair) -> SocketAddr {
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    serve(move |stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        if head(&mut stream).is_empty() {
            return;
        }
        respond(&mut stream, "secure");
        stream.conn.send_close_notify();
        let _ = stream.flush();
    })
}

/// What comes of asking a server for `name` that shows a certificate which it signed itself and which says it is an
/// authority's, where the site names that certificate, or the one of another authority.
fn self_signed(name: &str, valid: Range<i32>, named: bool) -> Result<String, String> {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec!["registry.test".to_owned()]).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.not_before = date_time_ymd(valid.start, 1, 1);
    parameters.not_after = date_time_ymd(valid.end, 1, 1);
    let certificate = parameters.self_signed(&key).unwrap();
    let other = parameters.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let bundle = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(bundle.path(), if named { certificate.pem() } else { other.pem() }).unwrap();
    let network = Network {
        https_proxy: Some(format!("http://{}", proxy(secure(&certificate, &key)))),
        ca_bundles: vec![bundle.path().to_owned()],
        ..Network::default()
    };
    get(&network, &format!("https://{name}/"))
}

fn get(network: &Network, url: &str) -> Result<String, String> {
    let client = network.client().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let response = client.get(url).send().await.map_err(|error| format!("{error:?}"))?;
        response.text().await.map_err(|error| format!("{error:?}"))
    })
}

#[test]
fn plain_requests_go_through_the_proxy_unless_excepted() {
    let direct = serve(|mut stream| {
        head(&mut stream.try_clone().unwrap());
        respond(&mut stream, "direct");
    });
    let proxy = proxy(direct);
    let mut network = Network { http_proxy: Some(format!("http://{proxy}")), ..Network::default() };
    let answer = get(&network, "http://registry.test/v2/").unwrap();
    assert_eq!(answer, "proxied GET http://registry.test/v2/ HTTP/1.1");
    network.no_proxy = "127.0.0.0/8,.example.org".to_owned();
    assert_eq!(get(&network, &format!("http://{direct}/")).unwrap(), "direct");
}

#[test]
fn tunnels_end_at_servers_of_a_private_authority() {
    let (server, pem) = tls_server("registry.test");
    let bundle = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(bundle.path(), pem).unwrap();
    let mut network = Network { https_proxy: Some(format!("http://{}", proxy(server))), ..Network::default() };
    let refused = get(&network, "https://registry.test/").unwrap_err();
    assert!(refused.contains("UnknownIssuer"), "{refused}");
    network.ca_bundles = vec![bundle.path().to_owned()];
    assert_eq!(get(&network, "https://registry.test/").unwrap(), "secure");
    let other_name = get(&network, "https://other.test/").unwrap_err();
    assert!(other_name.contains("NotValidForName"), "{other_name}");
}

#[test]
fn the_certificate_that_is_named_may_be_the_servers_own() {
    let always = 2020..2120;
    assert_eq!(self_signed("registry.test", always.clone(), true).unwrap(), "secure");
    // Nothing else of it is taken on trust.
    let refused = |name, valid, named| self_signed(name, valid, named).unwrap_err();
    let check = |refused: String, why: &str| assert!(refused.contains(why), "{refused}");
    check(refused("other.test", always.clone(), true), "NotValidForName");
    check(refused("registry.test", 2020..2021, true), "Expired");
    check(refused("registry.test", 2119..2120, true), "NotValidYet");
    check(refused("registry.test", always, false), "CaUsedAsEndEntity");
}
