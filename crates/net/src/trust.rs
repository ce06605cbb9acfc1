//! Whom servers are trusted by where the site has authorities of its own: those of the system, those, and whoever shows the
//! very certificate that the site names.
//!
//! The last is how a self-signed certificate is used that says it is an authority's, as `openssl req -x509` makes them.
//! To refuse such a one from a stranger is right (RFC 5280, 4.2.1.9); here it was named.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;
use std::sync::Arc;

#[derive(Debug)]
struct Trust {
    inner: Verifier,
    named: Vec<CertificateDer<'static>>,
}

/// TLS 1.2 and later, for HTTP/2 and HTTP/1.1, with servers that the system's authorities or `named` vouch for.
pub(crate) fn config(named: Vec<CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let inner = Verifier::new_with_extra_roots(named.iter().cloned(), Arc::clone(&provider))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trust { inner, named }))
        .with_no_client_auth();
    config.alpn_protocols = vec!["h2".into(), "http/1.1".into()];
    Ok(config)
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        if !verified.as_ref().is_err_and(is_authority) || !self.named.contains(end_entity) {
            return verified;
        }
        // That it is an authority's is found after that it is valid today, and before anything else.
        let certificate = ParsedCertificate::try_from(end_entity)?;
        verify_server_name(&certificate, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Whether a certificate was refused for no other reason than that it is an authority's.
fn is_authority(refused: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(other)) = refused else { return false };
    other.0.downcast_ref::<webpki::Error>().is_some_and(|error| matches!(error, webpki::Error::CaUsedAsEndEntity))
}
